// A full store of hints: which ones may go, what is left of them, and when that goes (P17, P18).
#include "node/hints/hint_marks.h"

#include <gtest/gtest.h>

#include "node/hints/leaf_message.h"
#include "tests/unit/node/hint_rig.h"

namespace henge::node_test {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

const Object kLarge = MakeObject({{1, 1, std::string(3600, 'x')}});
const Object kOther = MakeObject({{2, 1, std::string(10, 'y')}});

class HintMarksUnitTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (MemberId owner : rig.ring->Owners(rig.key.partition)) {
      if (owner != rig.target) witnesses.push_back(owner);
    }
    rig.StartMarks();
  }

  // The hint fills the store.
  void Fill() {
    ASSERT_TRUE(rig.StoreNow(rig.HintOf(kLarge)).ok());
    rig.loop.Run();
  }
  void Ack(MemberId from) { Answer(from, PeerReply(MergeReply{})); }
  void Answer(MemberId from, absl::StatusOr<PeerReply> reply) {
    rig.transport.Answer(rig.transport.Open<MergeRequest>(from).at(0), std::move(reply));
  }
  void Mark() {
    Fill();
    for (MemberId witness : witnesses) Ack(witness);
    ASSERT_TRUE(rig.store.hints.empty());
  }
  // Answers what every owner is asked about leaves; true if somebody was asked. `target_has` = as the others.
  bool AnswerLeaves(bool target_has) {
    bool asked = false;
    for (bool more = true; more;) {
      more = false;
      for (MemberId owner : rig.ring->Owners(rig.key.partition)) {
        for (size_t call : rig.transport.Open<ControlRequest>(owner)) {
          const auto& request = std::get<ControlRequest>(rig.transport.sent[call].request);
          EXPECT_EQ(request.kind, ControlKind::kLeaves);
          const size_t leaves = LeafAsk::Decode(request.body)->segments.count();
          const uint64_t hash = owner == rig.target && !target_has ? 1 : 2;
          rig.transport.Answer(call,
                               PeerReply(ControlReply{LeafAnswer{{std::vector<uint64_t>(leaves, hash)}}.Encode()}));
          asked = more = true;
        }
      }
    }
    return asked;
  }
  HintFigures Figures() {
    HintFigures figures = rig.keeper->figures();
    rig.marks->AddTo(&figures);
    return figures;
  }

  HintRig rig{/*bytes_max=*/4000};
  std::vector<MemberId> witnesses;
};

// P17: only after as many owners as the write's W hold it durably.
TEST_F(HintMarksUnitTest, P17AHintBecomesAMarkAfterWAcks) {
  Fill();
  ASSERT_EQ(witnesses.size(), 2u);
  EXPECT_EQ(rig.transport.Count<MergeRequest>(), 2);
  EXPECT_EQ(rig.transport.CountTo<MergeRequest>(rig.target), 0) << "it proves nothing of the others";
  Ack(witnesses[0]);
  EXPECT_EQ(rig.store.hints.size(), 1u) << "W = 2";
  EXPECT_TRUE(rig.store.marked.empty());
  Ack(witnesses[1]);
  EXPECT_TRUE(rig.store.hints.empty());
  ASSERT_TRUE(rig.store.marked.contains(rig.key.partition));
  EXPECT_TRUE(rig.store.marked.at(rig.key.partition).segments[SegmentOf(rig.key.bucket, rig.key.key)]);
  EXPECT_EQ(Figures().marked, 1u);
  EXPECT_EQ(Figures().marks, 1u);
  EXPECT_TRUE(Figures().pending.empty());
  EXPECT_EQ(rig.tracer.events["HintsMarked"], 1);
  EXPECT_TRUE(rig.StoreNow(rig.HintOf(kLarge)).ok()) << "there is room again";
}

TEST_F(HintMarksUnitTest, P17AFailedWitnessKeepsTheHint) {
  Fill();
  Ack(witnesses[0]);
  Answer(witnesses[1], absl::UnavailableError("gone"));
  EXPECT_EQ(rig.store.hints.size(), 1u);
  EXPECT_EQ(rig.tracer.events["NoHintCanGo"], 1);
  EXPECT_TRUE(absl::IsResourceExhausted(rig.StoreNow(rig.HintOf(kLarge, std::nullopt, rig.other))));
  EXPECT_EQ(Figures().refused_full, 1u);
  EXPECT_EQ(rig.transport.Count<MergeRequest>(), 2) << "not again at once";
  rig.clock.now += seconds(5);
  EXPECT_TRUE(absl::IsResourceExhausted(rig.StoreNow(rig.HintOf(kLarge, std::nullopt, rig.other))));
  EXPECT_EQ(rig.transport.Count<MergeRequest>(), 4) << "a refusal tries again";
}

TEST_F(HintMarksUnitTest, P17WithTooFewLiveOwnersNobodyIsAsked) {
  rig.marks->UpdateLiveness(rig.LivenessWith({rig.target, witnesses[0]}));
  Fill();
  EXPECT_EQ(rig.transport.Count<MergeRequest>(), 0);
  EXPECT_EQ(rig.store.hints.size(), 1u);
}

// P16: what was merged while the acks were on their way is in nobody's ack.
TEST_F(HintMarksUnitTest, P16AHintThatGrewMeanwhileStays) {
  Fill();
  ASSERT_TRUE(rig.StoreNow(rig.HintOf(kOther)).ok()) << "it fits";
  for (MemberId witness : witnesses) Ack(witness);
  EXPECT_EQ(rig.Durable().siblings().size(), 2u);
  EXPECT_TRUE(rig.store.marked.empty());
}

// The same record once more, for a write with a greater W, while the acks are on their way.
TEST_F(HintMarksUnitTest, P17AHintWhoseWHasGrownMeanwhileStays) {
  ASSERT_TRUE(rig.StoreNow(rig.HintOf(kLarge)).ok());
  HintRequest again = rig.HintOf(kLarge);
  again.needed = 3;
  ASSERT_TRUE(rig.StoreNow(std::move(again)).ok());
  for (MemberId witness : witnesses) Ack(witness);
  EXPECT_EQ(rig.store.hints.size(), 1u) << "two of three are not enough";
  EXPECT_TRUE(rig.store.marked.empty());
}

TEST_F(HintMarksUnitTest, P18AMarkGoesWhenAllOwnersHoldTheSame) {
  Mark();
  rig.loop.Pass(seconds(2));
  EXPECT_TRUE(AnswerLeaves(/*target_has=*/false));
  EXPECT_EQ(Figures().marks, 1u) << "the target lacks it";
  rig.loop.Pass(minutes(1));
  EXPECT_TRUE(AnswerLeaves(/*target_has=*/true));
  EXPECT_EQ(Figures().marks, 0u);
  EXPECT_EQ(Figures().marks_cleared, 1u);
  EXPECT_TRUE(rig.store.marked.empty());
  rig.loop.Pass(minutes(3));
  EXPECT_FALSE(AnswerLeaves(true)) << "and nothing is asked any more";
  EXPECT_FALSE(rig.loop.has_timers());
}

TEST_F(HintMarksUnitTest, P18OneOwnerThatDoesNotAnswerKeepsTheMark) {
  Mark();
  rig.loop.Pass(seconds(2));
  const auto owners = rig.ring->Owners(rig.key.partition);
  const auto open = rig.transport.Open<ControlRequest>(owners[0]);
  ASSERT_EQ(open.size(), 1u);
  rig.transport.Answer(open[0], absl::FailedPreconditionError("no owner any more"));
  EXPECT_EQ(Figures().marks, 1u);
  // Nor is anybody asked while one is held dead; its return asks soon.
  rig.marks->UpdateLiveness(rig.LivenessWith({rig.target}));
  const int asked = rig.transport.Count<ControlRequest>();
  rig.loop.Pass(minutes(5));
  for (MemberId owner : owners) {
    for (size_t call : rig.transport.Open<ControlRequest>(owner)) {
      EXPECT_NE(owner, rig.target);
      rig.transport.Answer(call, PeerReply(ControlReply{LeafAnswer{{2}}.Encode()}));
    }
  }
  EXPECT_EQ(rig.transport.CountTo<ControlRequest>(rig.target), asked > 0 && owners[0] == rig.target ? 1 : 0);
  EXPECT_EQ(Figures().marks, 1u);
  rig.marks->UpdateLiveness(rig.LivenessWith({}));
  rig.loop.Pass(seconds(2));
  EXPECT_TRUE(AnswerLeaves(true));
  EXPECT_EQ(Figures().marks, 0u);
}

// What is marked after the owners were asked is not in their answers.
TEST_F(HintMarksUnitTest, P18AMarkMadeDuringTheExchangeStays) {
  Mark();
  rig.loop.Pass(seconds(2));
  ASSERT_EQ(rig.transport.Count<ControlRequest>(), 1);
  ASSERT_TRUE(rig.StoreNow(rig.HintOf(kLarge)).ok());
  rig.loop.Run();
  for (MemberId witness : witnesses) Ack(witness);
  ASSERT_TRUE(rig.store.hints.empty());
  EXPECT_TRUE(AnswerLeaves(true));
  EXPECT_EQ(Figures().marks, 1u);
  rig.loop.Pass(minutes(2));
  EXPECT_TRUE(AnswerLeaves(true));
  EXPECT_EQ(Figures().marks, 0u);
}

// H20 for marks: a restart knows them.
TEST_F(HintMarksUnitTest, ARestartGoesOnWithTheMarks) {
  Mark();
  rig.Restart();
  rig.StartMarks();
  EXPECT_EQ(Figures().marks, 1u);
  rig.loop.Run();
  rig.loop.Pass(seconds(2));
  EXPECT_TRUE(AnswerLeaves(true));
  EXPECT_EQ(Figures().marks, 0u);
}

TEST_F(HintMarksUnitTest, WithRoomAndWithoutMarksNothingHappens) {
  ASSERT_TRUE(rig.StoreNow(rig.HintOf(kOther)).ok());
  rig.loop.Pass(minutes(1));
  EXPECT_TRUE(rig.transport.sent.empty());
  EXPECT_FALSE(rig.loop.has_timers());
}

}  // namespace
}  // namespace henge::node_test
