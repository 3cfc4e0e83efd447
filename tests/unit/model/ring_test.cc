#include "core/model/ring.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/model/limits.h"

namespace henge {
namespace {

ClusterState StateOf(int members, int zones) {
  std::vector<InitialMember> list;
  for (int i = 0; i < members; ++i) {
    list.push_back({.name = absl::StrCat("node", 100 + i), .zone = zones == 0 ? "" : absl::StrCat("zone", i % zones)});
  }
  return *MakeInitialState("token", 3, list);
}

TEST(RingTest, OwnersAndEpochsAreThoseOfTheState) {
  const Ring ring(StateOf(5, 0));
  EXPECT_EQ(ring.digest(), ring.state().Digest());
  EXPECT_EQ(ring.version(), StateVersion(1));
  EXPECT_EQ(ring.cluster(), ring.state().cluster);
  for (int p = 0; p < kPartitionCount; ++p) {
    const PartitionId partition(static_cast<uint16_t>(p));
    const auto owners = ring.Owners(partition);
    ASSERT_TRUE(std::equal(owners.begin(), owners.end(), ring.state().owners[p].begin()));
    for (const Member& member : ring.state().members) {
      const bool listed = std::find(owners.begin(), owners.end(), member.id) != owners.end();
      ASSERT_EQ(ring.IsOwner(partition, member.id), listed);
    }
  }
  EXPECT_EQ(ring.Epoch(PartitionId(7)), LayoutEpoch(1));
}

TEST(RingTest, APartitionThatTheRingDoesNotHaveHasNoOwners) {
  const Ring ring(StateOf(5, 0));
  const PartitionId beyond(kPartitionCount);
  EXPECT_TRUE(ring.Owners(beyond).empty());
  EXPECT_FALSE(ring.IsOwner(beyond, MemberId(1)));
  EXPECT_EQ(ring.Epoch(beyond), LayoutEpoch(0));
  EXPECT_TRUE(ring.Fallbacks(beyond).empty());
}

TEST(RingTest, FallbacksAreAllOtherMembersOnce) {
  for (int members : {1, 2, 3, 5, 12, 100}) {
    const Ring ring(StateOf(members, 0));
    for (int p = 0; p < kPartitionCount; p += 37) {
      const PartitionId partition(static_cast<uint16_t>(p));
      const auto owners = ring.Owners(partition);
      std::set<MemberId> all(owners.begin(), owners.end());
      for (MemberId fallback : ring.Fallbacks(partition)) ASSERT_TRUE(all.insert(fallback).second);
      ASSERT_EQ(all.size(), static_cast<size_t>(members));
    }
  }
}

TEST(RingTest, FallbacksComeInTheOrderOfTheArcsThatFollow) {
  ClusterState state = StateOf(6, 0);
  const auto list = [](uint32_t a, uint32_t b, uint32_t c) {
    return std::vector<MemberId>{MemberId(a), MemberId(b), MemberId(c)};
  };
  for (int p = 0; p < kPartitionCount; ++p) state.owners[p] = p < 100 ? list(1, 2, 3) : list(2, 1, 6);
  state.owners[50] = list(3, 5, 1);
  const Ring ring(state);
  EXPECT_EQ(ring.Fallbacks(PartitionId(10)), (std::vector<MemberId>{MemberId(5), MemberId(6), MemberId(4)}));
  EXPECT_EQ(ring.Fallbacks(PartitionId(60)), (std::vector<MemberId>{MemberId(6), MemberId(5), MemberId(4)}));
  EXPECT_EQ(ring.Fallbacks(PartitionId(200)), (std::vector<MemberId>{MemberId(3), MemberId(5), MemberId(4)}))
      << "the ring closes";
}

TEST(RingTest, FallbacksOfOtherZonesComeFirst) {
  const Ring ring(StateOf(12, 4));
  for (int p = 0; p < kPartitionCount; p += 11) {
    const PartitionId partition(static_cast<uint16_t>(p));
    std::set<std::string> zones;
    for (MemberId owner : ring.Owners(partition)) zones.insert(ring.state().FindMember(owner)->zone);
    ASSERT_EQ(zones.size(), 3u);
    bool same_zone_seen = false;
    for (MemberId fallback : ring.Fallbacks(partition)) {
      const bool same_zone = zones.contains(ring.state().FindMember(fallback)->zone);
      ASSERT_FALSE(same_zone_seen && !same_zone);
      same_zone_seen = same_zone;
    }
    ASSERT_TRUE(same_zone_seen);
  }
}

}  // namespace
}  // namespace henge
