// Trees that say the same of the same records, and what is read off two of them.
#include "core/model/merkle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/model/mint.h"
#include "core/model/object.h"
#include "core/model/slot.h"

namespace henge {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr ClusterId kCluster(0x1234);
constexpr BucketId kBucket(1);

uint64_t HashOf(const std::string& key, const std::string& canonical) {
  return RecordHash(kCluster, kBucket, key, canonical);
}

PartitionTree TreeOf(const std::map<std::string, std::string>& records) {
  PartitionTree tree;
  for (const auto& [key, canonical] : records) tree.Apply(SegmentOf(kBucket, key), HashOf(key, canonical));
  return tree;
}

// Descends as an exchange does, each level from what the peer would send.
std::vector<uint8_t> Descend(const PartitionTree& ours, const PartitionTree& theirs) {
  auto branches = DifferingBranches(ours, {theirs.branches().begin(), theirs.branches().end()});
  EXPECT_TRUE(branches.ok()) << branches.status();
  std::vector<uint64_t> leaves;
  for (uint8_t branch : *branches) {
    for (int i = 0; i < kLeavesOfBranch; ++i) {
      leaves.push_back(theirs.leaf(static_cast<uint8_t>(branch * kLeavesOfBranch + i)));
    }
  }
  auto segments = DifferingSegments(ours, *branches, leaves);
  EXPECT_TRUE(segments.ok()) << segments.status();
  return *segments;
}

TEST(RecordHashTest, DependsOnAllThatItCovers) {
  const uint64_t hash = HashOf("key", "record");
  EXPECT_NE(hash, HashOf("kez", "record"));
  EXPECT_NE(hash, HashOf("key", "recore"));
  EXPECT_NE(hash, HashOf("keyr", "ecord")) << "bytes pass from the record to the key";
  EXPECT_NE(hash, RecordHash(kCluster, BucketId(2), "key", "record"));
  EXPECT_NE(hash, RecordHash(ClusterId(0x1235), kBucket, "key", "record"));
  EXPECT_EQ(HashOf("key", ""), 0) << "absent";
}

// Nodes of two builds must agree on it; a change is a new TreeParameters::kHashVersion (H27, H37).
TEST(RecordHashTest, StaysAsItIs) {
  EXPECT_EQ(TreeParameters::kHashVersion, 1);
  EXPECT_EQ(RecordHash(kCluster, BucketId(7), "123456789", "record"), 14505416430710332255u);
}

// A replica that saw more than another, and kept the same value, is not its equal.
TEST(RecordHashTest, H29RecordsThatDifferInTheirContextOnlyDiffer) {
  const Minter fresh{StoreId(1), Lifetime(1)};
  VersionVector seen;
  seen.Raise({StoreId(2), Lifetime(2), 1}, 5);
  auto mint = [&fresh](const VersionVector& context) {
    Minter minter = fresh;
    Mutation mutation;
    mutation.value = "same";
    return MintVersion(Object(), std::nullopt, context, mutation, 0, &minter).object;
  };
  const Object narrow = mint(VersionVector());
  const Object wide = mint(seen);
  ASSERT_EQ(narrow.siblings(), wide.siblings());
  EXPECT_NE(HashOf("k", narrow.Encode()), HashOf("k", wide.Encode()));
}

// H13, H54: whatever the order of the writes, and however often a delta is split, the tree is that of the records.
TEST(PartitionTreeTest, DeltasLeadToTheTreeOfTheRecords) {
  std::mt19937_64 random(7);
  std::map<std::string, std::string> records;
  PartitionTree tree;
  for (int i = 0; i < 20'000; ++i) {
    const std::string key = absl::StrCat("k", random() % 500);
    std::string& record = records[key];
    const uint64_t before = HashOf(key, record);
    record = random() % 10 == 0 ? "" : absl::StrCat("v", random());
    tree.Apply(SegmentOf(kBucket, key), LeafDelta(before, HashOf(key, record)));
  }
  EXPECT_EQ(tree, TreeOf(records));
  EXPECT_EQ(tree, PartitionTree(tree.leaves()));
  for (const auto& [key, record] : records) {
    tree.Apply(SegmentOf(kBucket, key), LeafDelta(HashOf(key, record), HashOf(key, "")));
  }
  EXPECT_EQ(tree, PartitionTree()) << "without records there is no trace of them";
}

TEST(PartitionTreeTest, DescentFindsTheSegmentsOfTheDifferencesAndNoOthers) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 500; ++round) {
    std::map<std::string, std::string> ours;
    for (int i = 0; i < 400; ++i) ours[absl::StrCat("k", i)] = absl::StrCat("v", i);
    std::map<std::string, std::string> theirs = ours;
    std::set<uint8_t> expected;
    for (uint64_t i = random() % 12; i > 0; --i) {
      const std::string key = absl::StrCat("k", random() % 450);
      theirs[key] = absl::StrCat("other", random());
      expected.insert(SegmentOf(kBucket, key));
    }
    const PartitionTree a = TreeOf(ours);
    const PartitionTree b = TreeOf(theirs);
    EXPECT_EQ(a.root() == b.root(), expected.empty());
    EXPECT_EQ(Descend(a, b), std::vector<uint8_t>(expected.begin(), expected.end()));
    EXPECT_EQ(Descend(b, a), Descend(a, b));
  }
}

TEST(PartitionTreeTest, AnswersOfAWrongShapeAreRefused) {
  const PartitionTree tree;
  EXPECT_EQ(DifferingBranches(tree, std::vector<uint64_t>(15)).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(DifferingSegments(tree, {3}, std::vector<uint64_t>(15)).status().code(),
            absl::StatusCode::kInvalidArgument);
  for (const std::vector<uint8_t>& asked : {std::vector<uint8_t>{16}, {3, 3}, {4, 3}}) {
    EXPECT_EQ(DifferingSegments(tree, asked, std::vector<uint64_t>(asked.size() * 16)).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
  EXPECT_THAT(*DifferingSegments(tree, {}, {}), IsEmpty());
  std::vector<uint64_t> leaves(32);
  leaves[17] = 1;
  EXPECT_THAT(*DifferingSegments(tree, {2, 15}, leaves), ElementsAre(15 * 16 + 1));
}

TEST(TreeParametersTest, H27TreesOfOtherParametersAreNotCompared) {
  TreeParameters ours;
  ours.cluster = kCluster;
  ours.epoch = LayoutEpoch(4);
  EXPECT_TRUE(CheckComparable(ours, ours).ok());
  std::map<std::string, TreeParameters> others;
  others["record hash"] = others["leaves"] = others["branches"] = others["cluster id"] = others["epoch"] = ours;
  ++others["record hash"].hash_version;
  others["leaves"].leaves = 1024;
  others["branches"].branches = 4;
  others["cluster id"].cluster = ClusterId(9);
  others["epoch"].epoch = LayoutEpoch(5);
  for (const auto& [what, theirs] : others) {
    const absl::Status status = CheckComparable(ours, theirs);
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()), HasSubstr(what));
    EXPECT_THAT(std::string(status.message()), HasSubstr(" here: ")) << "what to do";
  }
}

}  // namespace
}  // namespace henge
