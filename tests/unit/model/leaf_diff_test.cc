// Segments compared record by record, and differences that have to last.
#include "core/model/leaf_diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/model/difference_watch.h"

namespace henge {
namespace {

using std::chrono::milliseconds;
using Records = std::map<std::pair<BucketId, std::string>, uint64_t>;

std::vector<LeafRecord> ListOf(const Records& records) {
  std::vector<LeafRecord> list;
  for (const auto& [place, hash] : records) list.push_back({place.first, place.second, hash});
  return list;
}

// What is sent and fetched makes both sides equal, and nothing is moved that was.
TEST(CompareLeafTest, FindsExactlyWhatDiffers) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 2'000; ++round) {
    Records ours, theirs;
    auto fill = [&](Records& records) {
      for (uint64_t i = random() % 8; i > 0; --i) {
        records[{BucketId(1 + random() % 3), absl::StrCat("k", random() % 5)}] = 1 + random() % 3;
      }
    };
    fill(ours);
    fill(theirs);
    const auto diff = CompareLeaf(ListOf(ours), ListOf(theirs));
    ASSERT_TRUE(diff.ok()) << diff.status();
    Records only_ours, only_theirs, differing;
    for (const auto& [place, hash] : ours) {
      const auto other = theirs.find(place);
      if (other == theirs.end()) only_ours[place] = hash;
      if (other != theirs.end() && other->second != hash) differing[place] = hash;
    }
    for (const auto& [place, hash] : theirs) {
      if (!ours.contains(place)) only_theirs[place] = hash;
    }
    EXPECT_EQ(diff->only_ours, ListOf(only_ours));
    EXPECT_EQ(diff->only_theirs, ListOf(only_theirs));
    EXPECT_EQ(diff->differing, ListOf(differing));
    EXPECT_EQ(diff->empty(), ours == theirs);
  }
}

TEST(CompareLeafTest, ListsOutOfOrderAreRefused) {
  const LeafRecord a{BucketId(1), "a", 5};
  const LeafRecord b{BucketId(1), "b", 5};
  const LeafRecord next_bucket{BucketId(2), "a", 5};
  EXPECT_TRUE(CompareLeaf({}, {a, b, next_bucket}).ok());
  for (const std::vector<LeafRecord>& wrong :
       {std::vector<LeafRecord>{b, a}, {a, a}, {next_bucket, b}, {LeafRecord{BucketId(1), "a", 0}}}) {
    EXPECT_EQ(CompareLeaf({a}, wrong).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

constexpr MemberId kPeer(2);
constexpr PartitionId kDiffed(9);

MonotonicTime At(int ms) { return MonotonicTime(milliseconds(ms)); }

TEST(DifferenceWatchTest, ALeafIsScannedOnceItHasDifferedForAWhile) {
  DifferenceWatch watch(milliseconds(100), 10);
  EXPECT_FALSE(watch.Differs(kPeer, kDiffed, 3, At(0)));
  EXPECT_FALSE(watch.Differs(kPeer, kDiffed, 3, At(99)));
  EXPECT_TRUE(watch.Differs(kPeer, kDiffed, 3, At(100)));
  EXPECT_FALSE(watch.Differs(kPeer, kDiffed, 4, At(100))) << "another leaf";
  EXPECT_FALSE(watch.Differs(MemberId(3), kDiffed, 3, At(100))) << "another peer";
}

TEST(DifferenceWatchTest, EqualityInBetweenStartsAnew) {
  DifferenceWatch watch(milliseconds(100), 10);
  watch.Differs(kPeer, kDiffed, 3, At(0));
  watch.LeafIsEqual(kPeer, kDiffed, 3);
  EXPECT_FALSE(watch.Differs(kPeer, kDiffed, 3, At(200)));
  watch.PartitionIsEqual(kPeer, kDiffed);
  EXPECT_FALSE(watch.Differs(kPeer, kDiffed, 3, At(400)));
  watch.PartitionIsEqual(kPeer, PartitionId(8));
  EXPECT_TRUE(watch.Differs(kPeer, kDiffed, 3, At(500))) << "another partition was equal";
}

TEST(DifferenceWatchTest, CountsPerPeer) {
  DifferenceWatch watch(milliseconds(100), 10);
  watch.Differs(kPeer, kDiffed, 255, At(5));
  watch.Differs(kPeer, PartitionId(16383), 0, At(2));
  watch.Differs(MemberId(3), kDiffed, 0, At(1));
  EXPECT_EQ(watch.Of(kPeer).leaves, 2u);
  EXPECT_EQ(watch.Of(kPeer).seen, At(2));
  EXPECT_EQ(watch.Of(MemberId(1)).seen, std::nullopt);
  watch.Forget(kPeer);
  EXPECT_EQ(watch.Of(kPeer).leaves, 0u);
  EXPECT_EQ(watch.size(), 1);
}

// What a round can say of the age of a write that only one of two has: two bounds, or one.
TEST(DifferenceWatchTest, TellsTheAgeOfTheOldestByWhatTheRoundsSaw) {
  DifferenceWatch watch(milliseconds(100), 10);
  watch.Differs(kPeer, kDiffed, 1, At(500), At(300));
  watch.Differs(kPeer, kDiffed, 2, At(900), At(500));
  watch.Differs(kPeer, kDiffed, 1, At(900), At(500));
  watch.Differs(kPeer, PartitionId(11), 1, At(900), At(500));
  const DifferencesOf both = watch.Of(kPeer);
  EXPECT_EQ(both.seen, At(500));
  EXPECT_EQ(both.missing_since, At(300)) << "the comparison before the first sight, not a later one";
  ASSERT_EQ(both.partitions.size(), 2u);
  EXPECT_EQ(both.partitions[0].partition, kDiffed);
  EXPECT_EQ(both.partitions[0].leaves, 2u);
  watch.Differs(kPeer, PartitionId(12), 1, At(950));
  EXPECT_EQ(watch.Of(kPeer).missing_since, std::nullopt) << "of one nobody knows since when";
  EXPECT_EQ(watch.Of(kPeer).seen, At(500));
}

TEST(DifferenceWatchTest, WhatFindsNoRoomIsWatchedLater) {
  DifferenceWatch watch(milliseconds(100), 1);
  watch.Differs(kPeer, kDiffed, 1, At(0));
  EXPECT_FALSE(watch.Differs(kPeer, kDiffed, 2, At(0)));
  EXPECT_FALSE(watch.Differs(kPeer, kDiffed, 2, At(200)));
  EXPECT_EQ(watch.size(), 1);
  watch.LeafIsEqual(kPeer, kDiffed, 1);
  EXPECT_FALSE(watch.Differs(kPeer, kDiffed, 2, At(200)));
  EXPECT_TRUE(watch.Differs(kPeer, kDiffed, 2, At(300)));
}

}  // namespace
}  // namespace henge
