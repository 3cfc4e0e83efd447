// What clients on each side of a cut feel of it, second by second: a side that has W nodes goes on at its pace, long
// before gossip holds anybody dead (P9, P12, P39).
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/sim/scene.h"

namespace henge::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kKeys = 60;

struct SideSecond {
  int acked = 0;    // writes
  int read = 0;     // reads that were answered
  int refused = 0;  // reads for which this side has too few owners, told so
  int failed = 0;   // writes that were not acked, reads that ran into their deadline
  Duration longest{0};

  int done() const { return acked + read + refused; }
};

// A client of one side: one request after the other, each to an owner that is on the side, if there is one.
class SideClient {
 public:
  SideClient(Scene& scene, std::vector<int> side, int number, std::vector<SideSecond>* seconds)
      : scene_(scene),
        side_(std::move(side)),
        number_(number),
        seconds_(*seconds),
        random_(static_cast<uint64_t>(number)),
        client_(scene.scheduler(), scene.network(), ClientHost(100 + number)),
        began_(scene.scheduler().now()) {
    Next();
  }
  void Stop() { stopped_ = true; }

 private:
  static constexpr Duration kPause = milliseconds(10);
  static constexpr Duration kPatience = seconds(4);

  void Next() {
    const bool write = random_.Chance(0.5);
    // What is written is new, so that siblings don't pile up.
    const std::string key =
        write ? absl::StrCat("w", number_, "-", ++writes_) : absl::StrCat("k", random_.Below(kKeys));
    int to = side_[random_.Below(side_.size())];
    for (int owner : scene_.Owners(key)) {
      if (std::find(side_.begin(), side_.end(), owner) == side_.end()) continue;
      to = owner;
      break;
    }
    const ClientRequest request = scene_.RequestOf(write ? ClientOp::kPut : ClientOp::kGet, key, write ? "v" : "",
                                                   {.quorum = 2, .patience = kPatience});
    const SimTime sent = scene_.scheduler().now();
    client_.Call(MemberId(static_cast<uint32_t>(to)), request, kPatience + seconds(1),
                 [this, write, sent](absl::StatusOr<ClientReply> reply) { OnReply(write, sent, reply); });
  }

  void OnReply(bool write, SimTime sent, const absl::StatusOr<ClientReply>& reply) {
    if (stopped_) return;
    const SimTime now = scene_.scheduler().now();
    const auto index = static_cast<size_t>((now - began_) / seconds(1));
    if (seconds_.size() <= index) seconds_.resize(index + 1);
    SideSecond& second = seconds_[index];
    const absl::Status status = reply.ok() ? reply->status : reply.status();
    if (status.ok()) {
      ++(write ? second.acked : second.read);
    } else if (!write && absl::IsUnavailable(status)) {
      ++second.refused;
    } else {
      ++second.failed;
    }
    second.longest = std::max<Duration>(second.longest, now - sent);
    scene_.scheduler().After(kPause, [this] {
      if (!stopped_) Next();
    });
  }

  Scene& scene_;
  const std::vector<int> side_;
  const int number_;
  std::vector<SideSecond>& seconds_;
  SimRandom random_;
  SimClient client_;
  const SimTime began_;
  int writes_ = 0;
  bool stopped_ = false;
};

std::string Text(const std::vector<SideSecond>& rows) {
  std::string text = "\n";
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto longest = std::chrono::duration_cast<milliseconds>(rows[i].longest).count();
    absl::StrAppend(&text, i, ": acked ", rows[i].acked, ", read ", rows[i].read, ", refused ", rows[i].refused,
                    ", failed ", rows[i].failed, ", longest ", longest, " ms\n");
  }
  return text;
}

TEST(SplitLoadTest, EachSideOfATwoThreeSplitGoesOnAtItsPaceFromTheFirstSecond) {
  constexpr size_t kBefore = 3, kDuring = 9;
  Scene s;
  for (int i = 0; i < kKeys; ++i) {
    ASSERT_TRUE(s.Put(1 + i % 5, absl::StrCat("k", i), "v", {.quorum = 3}).status.ok());
  }
  const std::array<std::vector<int>, 2> sides = {{{1, 2}, {3, 4, 5}}};
  std::array<std::vector<SideSecond>, 2> seen;
  std::vector<std::unique_ptr<SideClient>> clients;
  for (int i = 0; i < 24; ++i) {
    const size_t side = static_cast<size_t>(i) % 2;
    clients.push_back(std::make_unique<SideClient>(s, sides[side], i, &seen[side]));
  }
  s.Run(seconds(kBefore));
  for (int a : sides[0]) {
    for (int b : sides[1]) s.CutBoth(a, b);
  }
  s.Run(seconds(kDuring));
  for (const auto& client : clients) client->Stop();
  EXPECT_EQ(s.Count("MemberDead", 1) + s.Count("MemberDead", 2), 0) << "the side of two detects later than all this";

  for (size_t side = 0; side < 2; ++side) {
    const std::string rows = absl::StrCat("side ", side, Text(seen[side]));
    SCOPED_TRACE(rows);
    std::cout << rows;
    ASSERT_GE(seen[side].size(), kBefore + kDuring);
    const int usual = (seen[side][1].done() + seen[side][2].done()) / 2;
    const int usual_acks = (seen[side][1].acked + seen[side][2].acked) / 2;
    EXPECT_GT(usual, 600);
    EXPECT_GE(seen[side][kBefore].done(), usual / 2) << "the second of the cut";
    for (size_t i = kBefore + 1; i < kBefore + kDuring; ++i) {
      EXPECT_GE(seen[side][i].done() * 10, usual * 9) << "second " << i;
      EXPECT_GE(seen[side][i].acked * 10, usual_acks * 8) << "second " << i;
      EXPECT_LE(seen[side][i].longest, milliseconds(250)) << "second " << i;
    }
    for (const SideSecond& second : seen[side]) EXPECT_EQ(second.failed, 0);
  }
  s.Heal();
  EXPECT_TRUE(s.Until([&] { return s.Hints() == 0; }, seconds(90)));
  EXPECT_EQ(s.Troubles(), std::vector<std::string>());
}

// A node that is alone can't hold two copies: it says so soon, and only after it has tried.
TEST(SplitLoadTest, AWriteWhereTooFewCanAnswerSaysSoLongBeforeItsDeadline) {
  Scene s;
  const int owner = s.Owners("k")[0];
  s.Isolate(owner);
  for (int i = 0; i < 10; ++i) s.Put(owner, absl::StrCat("warm", i), "v", {.quorum = 2, .patience = milliseconds(100)});
  for (const QuorumMode mode : {QuorumMode::kSloppy, QuorumMode::kStrict}) {
    const SimTime before = s.scheduler().now();
    const ClientReply reply = s.Put(owner, "k", "v", {.quorum = 2, .strict = mode == QuorumMode::kStrict});
    const Duration took = s.scheduler().now() - before;
    EXPECT_TRUE(absl::IsUnavailable(reply.status)) << reply.status;
    EXPECT_EQ(reply.outcome, Outcome::kUnknown);
    EXPECT_EQ(reply.facts.durable, 1u) << reply.status;
    EXPECT_LT(took, milliseconds(300));
    EXPECT_GE(took, milliseconds(1)) << "tried first";
    EXPECT_NE(reply.status.message().find("out of reach"), std::string::npos) << reply.status;
  }
  // As soon as the cut is mended, the next write finds that out by being tried.
  s.Heal();
  EXPECT_TRUE(s.Put(owner, "k", "again", {.quorum = 2}).status.ok());
  EXPECT_EQ(s.Troubles(), std::vector<std::string>());
}

}  // namespace
}  // namespace henge::sim
