#include "core/model/assignment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/model/hash.h"
#include "core/model/limits.h"
#include "core/model/shares.h"
#include "core/model/wire.h"

namespace henge {
namespace {

constexpr uint32_t kReplicas = 3;

struct Shape {
  int members;
  int zones;  // 0: none named
  bool unequal;
};

uint32_t WeightOf(int i, bool unequal) { return unequal ? 50 + static_cast<uint32_t>(i * 37 % 100) : 100; }

Member MemberOf(int i, const Shape& shape) {
  return {.id = MemberId(static_cast<uint32_t>(i)),
          .name = absl::StrCat("node", i),
          .zone = shape.zones == 0 ? "" : absl::StrCat("zone", i % shape.zones),
          .weight = WeightOf(i, shape.unequal)};
}

std::vector<Member> MembersOf(const Shape& shape) {
  std::vector<Member> members;
  for (int i = 1; i <= shape.members; ++i) members.push_back(MemberOf(i, shape));
  return members;
}

uint64_t Fingerprint(const Assignment& assignment) {
  std::string bytes;
  ByteWriter out(&bytes);
  for (const auto& list : assignment) {
    out.Varint(list.size());
    for (MemberId id : list) out.Varint(id.value());
  }
  return Hash64(bytes);
}

// Lengths, distinctness, zones, and both balances: within 2 %, or the one unit that can't be divided.
void ExpectGood(const std::vector<Member>& members, uint32_t replicas, const Assignment& assignment) {
  ASSERT_EQ(assignment.size(), static_cast<size_t>(kPartitionCount));
  const Shares shares = ComputeShares(members, replicas);
  std::vector<int> owned(members.size(), 0);
  std::vector<int> firsts(members.size(), 0);
  for (const auto& list : assignment) {
    ASSERT_EQ(list.size(), std::min<size_t>(replicas, members.size()));
    ASSERT_EQ(std::set<MemberId>(list.begin(), list.end()).size(), list.size());
    for (size_t m = 0; m < members.size(); ++m) {
      owned[m] += static_cast<int>(std::count(list.begin(), list.end(), members[m].id));
      firsts[m] += list[0] == members[m].id ? 1 : 0;
    }
  }
  for (size_t m = 0; m < members.size(); ++m) {
    const double share = shares.exact[m].AsDouble();
    EXPECT_LE(std::abs(owned[m] - share), std::max(1.0, share * 0.02)) << members[m].name;
    const double first_share = share / shares.replicas;
    EXPECT_LE(std::abs(firsts[m] - first_share), std::max(2.0, first_share * 0.02)) << members[m].name;
  }
  EXPECT_EQ(MeasureAssignment(members, replicas, {}, assignment).zone_violations, 0);
}

void PrintHeader() {
  std::printf("%-26s %-10s %9s %9s %7s %9s %8s %6s %7s\n", "members", "step", "balance", "firsts", "moves", "at least",
              "scatter", "sets", "ms");
}

// Solves, checks and prints one step.
Assignment Solve(const Shape& shape, const char* step, const std::vector<Member>& members, const Assignment& before) {
  const auto start = std::chrono::steady_clock::now();
  Assignment after = SolveAssignment(members, kReplicas, before);
  const double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  const AssignmentFigures f = MeasureAssignment(members, kReplicas, before, after);
  std::printf("%-26s %-10s %8.2f%% %8.2f%% %7d %9d %8.1f %6d %7.1f\n",
              absl::StrCat(shape.members, shape.zones > 0 ? absl::StrCat(", ", shape.zones, " zones") : "",
                           shape.unequal ? ", unequal" : "")
                  .c_str(),
              step, f.imbalance_max * 100, f.first_imbalance_max * 100, f.moves, f.moves_min, f.scatter_mean,
              f.replica_sets, ms);
  ExpectGood(members, kReplicas, after);
  EXPECT_GE(f.moves, f.moves_min);
  return after;
}

class AssignmentTableTest : public ::testing::TestWithParam<Shape> {};

TEST_P(AssignmentTableTest, IsBalancedWithFewMovesAndSmallScatter) {
  const Shape shape = GetParam();
  const std::vector<Member> members = MembersOf(shape);
  PrintHeader();
  const Assignment fresh = Solve(shape, "fresh", members, {});
  const AssignmentFigures f = MeasureAssignment(members, kReplicas, {}, fresh);
  EXPECT_LE(f.replica_sets, shape.members + 2);
  EXPECT_LE(f.scatter_mean, 6.0);
  EXPECT_EQ(SolveAssignment(members, kReplicas, fresh), fresh) << "what is balanced stays";

  std::vector<Member> more = members;
  more.push_back(MemberOf(shape.members + 1, shape));
  const Assignment joined = Solve(shape, "join", more, fresh);
  const AssignmentFigures j = MeasureAssignment(more, kReplicas, fresh, joined);
  EXPECT_LE(j.moves, j.moves_min * 14 / 10);

  std::vector<Member> fewer = members;
  fewer.erase(fewer.begin() + shape.members / 2);
  const Assignment left = Solve(shape, "leave", fewer, fresh);
  const AssignmentFigures l = MeasureAssignment(fewer, kReplicas, fresh, left);
  EXPECT_LE(l.moves, l.moves_min * 15 / 10);

  std::vector<Member> replaced = members;
  Member newcomer = members[1];
  newcomer.id = MemberId(1000);
  replaced.erase(replaced.begin() + 1);
  replaced.push_back(newcomer);
  const Assignment after = Solve(shape, "replace", replaced, fresh);
  const AssignmentFigures r = MeasureAssignment(replaced, kReplicas, fresh, after);
  EXPECT_EQ(r.moves, r.moves_min);
}

INSTANTIATE_TEST_SUITE_P(Shapes, AssignmentTableTest,
                         ::testing::Values(Shape{3, 0, false}, Shape{5, 0, false}, Shape{12, 0, false},
                                           Shape{100, 0, false}, Shape{3, 3, false}, Shape{5, 5, false},
                                           Shape{12, 3, false}, Shape{12, 5, false}, Shape{100, 3, false},
                                           Shape{100, 5, false}, Shape{5, 0, true}, Shape{12, 0, true},
                                           Shape{100, 0, true}, Shape{12, 3, true}, Shape{100, 5, true}),
                         [](const auto& info) {
                           return absl::StrCat(info.param.members, "Members", info.param.zones, "Zones",
                                               info.param.unequal ? "Unequal" : "");
                         });

// P30: every build of every machine must come to the same lists.
TEST(AssignmentTest, P30GoldenVectors) {
  EXPECT_EQ(Fingerprint(SolveAssignment(MembersOf({3, 0, false}), 3, {})), 7460271793750439761u);
  EXPECT_EQ(Fingerprint(SolveAssignment(MembersOf({5, 0, true}), 3, {})), 7213484536905238920u);
  const Assignment twelve = SolveAssignment(MembersOf({12, 3, true}), 3, {});
  EXPECT_EQ(Fingerprint(twelve), 15408863206086196773u);
  EXPECT_EQ(Fingerprint(SolveAssignment(MembersOf({13, 3, true}), 3, twelve)), 3016432124821564682u);
  EXPECT_EQ(Fingerprint(SolveAssignment(MembersOf({11, 3, true}), 3, twelve)), 1457438050058036284u);
}

TEST(AssignmentTest, TheOrderOfTheMembersDoesNotMatter) {
  std::vector<Member> members = MembersOf({12, 3, true});
  const Assignment expected = SolveAssignment(members, 3, {});
  std::reverse(members.begin(), members.end());
  EXPECT_EQ(SolveAssignment(members, 3, {}), expected);
}

TEST(AssignmentTest, FewerMembersThanReplicas) {
  for (int members : {1, 2}) {
    const auto list = MembersOf({members, 0, false});
    ExpectGood(list, 3, SolveAssignment(list, 3, {}));
  }
  for (const auto& list : SolveAssignment({}, 3, {})) EXPECT_TRUE(list.empty());
}

TEST(AssignmentTest, GrowsFromOneMemberToMany) {
  Assignment current;
  for (int n = 1; n <= 20; ++n) {
    const auto members = MembersOf({n, 0, false});
    current = SolveAssignment(members, 3, current);
    ExpectGood(members, 3, current);
  }
  for (int n = 19; n >= 1; --n) {
    const auto members = MembersOf({n, 0, false});
    current = SolveAssignment(members, 3, current);
    ExpectGood(members, 3, current);
  }
}

TEST(AssignmentTest, AShareAboveWhatDistinctReplicasAllowIsCapped) {
  std::vector<Member> members = MembersOf({4, 0, false});
  members[0].weight = 100'000;
  const Shares shares = ComputeShares(members, 3);
  EXPECT_EQ(shares.quotas[0], kPartitionCount);
  EXPECT_DOUBLE_EQ(shares.exact[1].AsDouble(), 2.0 * kPartitionCount / 3);
  const Assignment assignment = SolveAssignment(members, 3, {});
  ExpectGood(members, 3, assignment);
  for (const auto& list : assignment) EXPECT_EQ(std::count(list.begin(), list.end(), MemberId(1)), 1);
}

TEST(AssignmentTest, AZoneThatIsTooHeavyIsCapped) {
  // Zone 0 has eight of ten members, but one replica of three is all that it may hold.
  std::vector<Member> members = MembersOf({10, 0, false});
  for (int i = 0; i < 10; ++i) members[i].zone = i < 8 ? "big" : absl::StrCat("small", i);
  ExpectGood(members, 3, SolveAssignment(members, 3, {}));
  EXPECT_EQ(ComputeShares(members, 3).quotas[0], kPartitionCount / 8);
}

TEST(AssignmentTest, TwoZonesForThreeReplicasBothHoldEveryPartition) {
  const std::vector<Member> members = MembersOf({6, 2, false});
  const Assignment assignment = SolveAssignment(members, 3, {});
  ExpectGood(members, 3, assignment);
  for (const auto& list : assignment) {
    std::set<uint32_t> zones;
    for (MemberId id : list) zones.insert(id.value() % 2);
    ASSERT_EQ(zones.size(), 2u);
  }
}

TEST(AssignmentTest, NamingZonesLaterRepairsTheLists) {
  std::vector<Member> members = MembersOf({9, 0, false});
  const Assignment before = SolveAssignment(members, 3, {});
  for (size_t i = 0; i < members.size(); ++i) members[i].zone = absl::StrCat("zone", i / 3);
  const Assignment after = SolveAssignment(members, 3, before);
  ExpectGood(members, 3, after);
}

TEST(AssignmentTest, AnotherNumberOfReplicasKeepsWhatItCan) {
  const std::vector<Member> members = MembersOf({7, 0, false});
  const Assignment three = SolveAssignment(members, 3, {});
  const Assignment five = SolveAssignment(members, 5, three);
  ExpectGood(members, 5, five);
  EXPECT_LT(MeasureAssignment(members, 5, three, five).moves, 2 * kPartitionCount * 12 / 10);
  const Assignment back = SolveAssignment(members, 3, five);
  ExpectGood(members, 3, back);
}

// Joins, leaves, weights, zones at random, each from what the last one left.
TEST(AssignmentTest, StaysGoodThroughManyChanges) {
  uint64_t state = 1;
  const auto roll = [&state](uint32_t sides) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<uint32_t>(state >> 33) % sides;
  };
  std::vector<Member> members = MembersOf({6, 4, false});
  uint32_t next_id = 100;
  Assignment current = SolveAssignment(members, 3, {});
  for (int change = 0; change < 150; ++change) {
    const uint32_t what = roll(10);
    if (what < 4 || members.size() < 4) {
      members.push_back({.id = MemberId(next_id++), .zone = absl::StrCat("zone", roll(4)), .weight = 50 + roll(150)});
    } else if (what < 8) {
      members.erase(members.begin() + roll(static_cast<uint32_t>(members.size())));
    } else {
      members[roll(static_cast<uint32_t>(members.size()))].weight = 50 + roll(150);
    }
    current = SolveAssignment(members, 3, current);
    ExpectGood(members, 3, current);
    if (HasFailure()) {
      FAIL() << "at change " << change;
    }
  }
}

TEST(AssignmentTest, AHundredMembersAreSolvedFast) {
  const auto start = std::chrono::steady_clock::now();
  const Assignment fresh = SolveAssignment(MembersOf({100, 5, true}), 3, {});
  SolveAssignment(MembersOf({101, 5, true}), 3, fresh);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5)) << "milliseconds in a release build";
}

}  // namespace
}  // namespace henge
