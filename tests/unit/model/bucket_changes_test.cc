// P34: bucket ids are never reused, and a policy never changes.

#include "core/model/bucket_changes.h"

#include <gtest/gtest.h>

#include <string>

namespace henge {
namespace {

ClusterState Three() {
  return *MakeInitialState("token", 3, {{"n1", "h:1", "h:2"}, {"n2", "h:3", "h:4"}, {"n3", "h:5", "h:6"}});
}

ClusterState Created(const ClusterState& state, const std::string& name,
                     ConflictPolicy conflict = ConflictPolicy::kSiblings) {
  auto next = CreateBucket(state, name, conflict, {});
  EXPECT_TRUE(next.ok()) << next.status();
  return next.ok() ? *next : state;
}

void ExpectRefused(const absl::StatusOr<ClusterState>& next, absl::StatusCode code, const std::string& part) {
  EXPECT_EQ(next.status().code(), code) << next.status();
  EXPECT_NE(std::string(next.status().message()).find(part), std::string::npos) << next.status();
}

TEST(BucketChangesTest, ACreatedBucketHasItsSettingsAndSurvivesTheEncoding) {
  const auto next = CreateBucket(Three(), "cache", ConflictPolicy::kLastWriterWins,
                                 {.read_quorum = 1, .write_quorum = 3, .mode = BucketMode::kStrict, .ttl_ms = 60'000});
  ASSERT_TRUE(next.ok()) << next.status();
  const Bucket* bucket = next->FindBucket("cache");
  ASSERT_NE(bucket, nullptr);
  EXPECT_EQ(*bucket, (Bucket{.id = BucketId(2),
                             .name = "cache",
                             .conflict = ConflictPolicy::kLastWriterWins,
                             .read_quorum = 1,
                             .write_quorum = 3,
                             .mode = BucketMode::kStrict,
                             .ttl_ms = 60'000}));
  const auto decoded = ClusterState::Decode(next->Encode());
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, *next);
}

TEST(BucketChangesTest, P34AnIdIsNeverUsedAgain) {
  ClusterState state = Created(Created(Three(), "a"), "b");
  EXPECT_EQ(state.FindBucket("b")->id, BucketId(3));
  const auto dropped = DropBucket(state, "b");
  ASSERT_TRUE(dropped.ok());
  EXPECT_TRUE(dropped->IsDropped(BucketId(3)));
  EXPECT_FALSE(dropped->IsDropped(BucketId(2)));  // there
  EXPECT_FALSE(dropped->IsDropped(BucketId(4)));  // of a version to come
  EXPECT_EQ(Created(*dropped, "b").FindBucket("b")->id, BucketId(4));
}

TEST(BucketChangesTest, SetChangesWhatIsNamedAndNeverThePolicy) {
  const ClusterState state = Created(Three(), "cache", ConflictPolicy::kLastWriterWins);
  const auto next = SetBucket(state, "cache", {.write_quorum = 1});
  ASSERT_TRUE(next.ok()) << next.status();
  Bucket expected = *state.FindBucket("cache");
  expected.write_quorum = 1;
  EXPECT_EQ(*next->FindBucket("cache"), expected);
  ExpectRefused(SetBucket(state, "cache", {}), absl::StatusCode::kInvalidArgument, "nothing to change");
  ExpectRefused(SetBucket(state, "cahce", {.write_quorum = 1}), absl::StatusCode::kNotFound, "did you mean \"cache\"?");
}

TEST(BucketChangesTest, RefusesWhatCannotBe) {
  const ClusterState state = Three();
  const auto siblings = ConflictPolicy::kSiblings;
  ExpectRefused(CreateBucket(state, "default", siblings, {}), absl::StatusCode::kAlreadyExists, "already");
  ExpectRefused(CreateBucket(state, "", siblings, {}), absl::StatusCode::kInvalidArgument, "is empty");
  ExpectRefused(CreateBucket(state, "a b", siblings, {}), absl::StatusCode::kInvalidArgument, "letters, digits");
  ExpectRefused(CreateBucket(state, "-a", siblings, {}), absl::StatusCode::kInvalidArgument, "begins with a letter");
  ExpectRefused(CreateBucket(state, std::string(65, 'a'), siblings, {}), absl::StatusCode::kInvalidArgument,
                "65 bytes");
  ExpectRefused(CreateBucket(state, "a", siblings, {.read_quorum = 4}), absl::StatusCode::kInvalidArgument, "r = 4");
  ExpectRefused(CreateBucket(state, "a", siblings, {.write_quorum = 4}), absl::StatusCode::kInvalidArgument, "w = 4");
  ExpectRefused(CreateBucket(state, "a", siblings, {.ttl_ms = kBucketTtlMsMax + 1}), absl::StatusCode::kInvalidArgument,
                "too long");
  ExpectRefused(DropBucket(state, "default"), absl::StatusCode::kFailedPrecondition, "can't be dropped");
  ExpectRefused(DropBucket(state, "nope"), absl::StatusCode::kNotFound, "nope");
}

TEST(BucketChangesTest, RelaxedDurabilityIsRefusedByItsName) {
  const auto relaxed = ParseDurability("relaxed");
  EXPECT_EQ(relaxed.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(relaxed.status().message().find("fsync"), absl::string_view::npos);
  EXPECT_TRUE(ParseDurability("fsync").ok());
  EXPECT_EQ(*ParseConflict("lww"), ConflictPolicy::kLastWriterWins);
  EXPECT_FALSE(ParseConflict("crdt").ok());
}

}  // namespace
}  // namespace henge
