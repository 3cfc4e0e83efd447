// The shelf: newest first, durable when it says so, and no key based on what a commit has overtaken (P5, P11, P16).
#include "node/hints/hint_shelf.h"

#include <gtest/gtest.h>

#include "tests/unit/node/hint_rig.h"

namespace henge::node_test {
namespace {

class HintShelfTest : public ::testing::Test {
 protected:
  HintKey At(uint32_t target = 2) const { return {MemberId(target), key}; }

  // Puts without running the loop; the answer lands in `durable`.
  void Put(const Object& object, absl::Status* durable, uint32_t target = 2) {
    shelf.Load(key, [=, this](absl::StatusOr<const HintShelf::Targets*> targets) {
      ASSERT_TRUE(targets.ok());
      shelf.Put(At(target), {.object = object, .encoded = object.Encode(), .needed = 2, .now_ms = 5},
                [durable](absl::Status status) { *durable = std::move(status); });
    });
  }
  absl::StatusOr<bool> Remove(const Object& object) {
    absl::StatusOr<bool> removed = absl::UnknownError("not answered");
    shelf.Remove(At(), ObjectDigest(object.Encode()), [&removed](absl::StatusOr<bool> r) { removed = std::move(r); });
    loop.Run();
    return removed;
  }

  const absl::Status kOpen = absl::UnknownError("not answered");
  ManualClock clock;
  ManualLoop loop{clock};
  FakeHintStore store{loop};
  HintShelf shelf{store, loop, 0, 1};
  RecordKey key = Key("k");
  const Object one = MakeObject({{1, 1, "one"}});
  const Object two = MakeObject({{2, 1, "two"}});
};

TEST_F(HintShelfTest, AnswersWhenItIsDurable) {
  absl::Status durable = kOpen;
  store.hold_commits = true;
  Put(one, &durable);
  loop.Run();
  EXPECT_EQ(durable, kOpen);
  EXPECT_TRUE(shelf.pending().empty()) << "what is not durable is not pending";
  EXPECT_GT(shelf.projected_bytes(), 0);
  store.ReleaseCommits();
  loop.Run();
  EXPECT_TRUE(durable.ok());
  EXPECT_EQ(shelf.pending().at(MemberId(2)).count, 1u);
  EXPECT_EQ(shelf.pending().at(MemberId(2)).bytes, static_cast<uint64_t>(shelf.projected_bytes()));
}

TEST_F(HintShelfTest, ALoadShowsWhatIsNotDurableYet) {
  absl::Status durable = kOpen;
  store.hold_commits = true;
  Put(one, &durable);
  loop.Run();
  bool seen = false;
  shelf.Load(key, [&](absl::StatusOr<const HintShelf::Targets*> targets) {
    ASSERT_TRUE(targets.ok());
    EXPECT_EQ((*targets)->at(MemberId(2)).object, one);
    EXPECT_FALSE((*targets)->at(MemberId(2)).durable());
    seen = true;
  });
  loop.Run();
  EXPECT_TRUE(seen);
}

TEST_F(HintShelfTest, WithoutHintsNothingIsRead) {
  absl::Status durable = kOpen;
  Put(one, &durable);
  loop.Run();
  EXPECT_EQ(store.reads, 0);
  Put(two, &durable);
  loop.Run();
  EXPECT_EQ(store.reads, 1);
}

TEST_F(HintShelfTest, ARemovalOfWhatStandsThereGoes) {
  absl::Status durable = kOpen;
  Put(one, &durable);
  loop.Run();
  EXPECT_EQ(*Remove(one), true);
  EXPECT_TRUE(shelf.pending().empty());
  EXPECT_EQ(shelf.projected_bytes(), 0);
  EXPECT_EQ(*Remove(one), false);
}

// P16: also when the newer one is not durable yet.
TEST_F(HintShelfTest, ARemovalOfWhatWasReplacedDoesNothing) {
  absl::Status durable = kOpen;
  Put(one, &durable);
  loop.Run();
  store.hold_commits = true;
  Put(two, &durable);
  loop.Run();
  EXPECT_EQ(*Remove(one), false);
  store.hold_commits = false;
  store.ReleaseCommits();
  loop.Run();
  EXPECT_EQ(store.hints.at(At()).object, two.Encode());
}

// A put that comes while the removal is on its way is a new hint.
TEST_F(HintShelfTest, APutDuringARemovalStays) {
  absl::Status durable = kOpen;
  Put(one, &durable);
  loop.Run();
  store.hold_commits = true;
  absl::StatusOr<bool> removed = kOpen;
  shelf.Remove(At(), ObjectDigest(one.Encode()), [&removed](absl::StatusOr<bool> r) { removed = std::move(r); });
  loop.Run();
  shelf.Load(key, [](absl::StatusOr<const HintShelf::Targets*> targets) {
    EXPECT_TRUE((*targets)->at(MemberId(2)).removing) << "the keeper has to know";
  });
  durable = kOpen;
  Put(one, &durable);
  loop.Run();
  store.hold_commits = false;
  store.ReleaseCommits();
  loop.Run();
  EXPECT_EQ(*removed, true);
  EXPECT_TRUE(durable.ok());
  EXPECT_EQ(store.hints.at(At()).object, one.Encode());
  EXPECT_EQ(shelf.pending().at(MemberId(2)).count, 1u);
}

// What could not be written is no base: a later put must not lose what the store still has.
TEST_F(HintShelfTest, AFailedPutIsNoBase) {
  absl::Status durable = kOpen;
  Put(one, &durable);
  loop.Run();
  store.put_error = absl::InternalError("can't read what is there");
  Put(two, &durable);
  loop.Run();
  EXPECT_FALSE(durable.ok());
  store.put_error = absl::OkStatus();
  bool seen = false;
  shelf.Load(key, [&](absl::StatusOr<const HintShelf::Targets*> targets) {
    EXPECT_EQ((*targets)->at(MemberId(2)).object, one);
    seen = true;
  });
  loop.Run();
  EXPECT_TRUE(seen);
  EXPECT_EQ(shelf.projected_bytes(), static_cast<int64_t>(shelf.pending().at(MemberId(2)).bytes));
}

TEST_F(HintShelfTest, ABrokenHintIsAnErrorOnceAndThenGone) {
  absl::Status durable = kOpen;
  Put(one, &durable);
  loop.Run();
  store.unreadable.insert("k");
  absl::Status first;
  shelf.Load(key, [&](absl::StatusOr<const HintShelf::Targets*> targets) { first = targets.status(); });
  loop.Run();
  EXPECT_TRUE(absl::IsDataLoss(first)) << "never absent";
  bool seen = false;
  shelf.Load(key, [&](absl::StatusOr<const HintShelf::Targets*> targets) {
    ASSERT_TRUE(targets.ok());
    EXPECT_TRUE((*targets)->empty());
    seen = true;
  });
  loop.Run();
  EXPECT_TRUE(seen);
  EXPECT_EQ(shelf.set_aside(), 1u);
}

TEST_F(HintShelfTest, AFailedStoreAnswersItsError) {
  absl::Status durable = kOpen;
  store.commit_error = absl::InternalError("can't write its log");
  Put(one, &durable);
  loop.Run();
  EXPECT_EQ(durable, store.commit_error);
  store.broken = store.commit_error;
  absl::Status status;
  shelf.Load(key, [&](absl::StatusOr<const HintShelf::Targets*> targets) { status = targets.status(); });
  loop.Run();
  EXPECT_EQ(status, store.broken);
}

}  // namespace
}  // namespace henge::node_test
