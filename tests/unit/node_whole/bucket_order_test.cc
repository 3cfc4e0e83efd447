#include "node/bucket_order.h"

#include <gtest/gtest.h>

namespace henge {
namespace {

using Action = BucketOrder::Action;

ClusterState One() { return *MakeInitialState("token", 1, {{"n1", "h:1", "h:2"}}); }

TEST(BucketOrderTest, BecomesAChangeOfWhateverStateIsTheNewest) {
  const auto create = ChangeOf({.action = Action::kCreate, .name = "a", .conflict = "lww", .mode = "strict"});
  const auto other = ChangeOf({.action = Action::kCreate, .name = "b"});
  ASSERT_TRUE(create.ok() && other.ok());
  const auto first = (*create)(One());
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->FindBucket("a")->conflict, ConflictPolicy::kLastWriterWins);
  EXPECT_EQ(first->FindBucket("a")->mode, BucketMode::kStrict);
  EXPECT_EQ((*create)(*first).status().code(), absl::StatusCode::kAlreadyExists) << "another operator was first";
  EXPECT_EQ((*other)(*first)->FindBucket("b")->id, BucketId(3)) << "P34: made anew over the state that won";
  const auto set = ChangeOf({.action = Action::kSet, .name = "a", .ttl_ms = 5});
  EXPECT_EQ((*set)(*first)->FindBucket("a")->ttl_ms, 5u);
  const auto drop = ChangeOf({.action = Action::kDrop, .name = "a"});
  EXPECT_EQ((*drop)(*first)->FindBucket("a"), nullptr);
}

TEST(BucketOrderTest, RefusesWordsThatAreNotKnown) {
  const auto code = [](const BucketOrder& order) { return ChangeOf(order).status().code(); };
  EXPECT_EQ(code({.name = "a", .conflict = "crdt"}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.name = "a", .mode = "lazy"}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.name = "a", .durability = "relaxed"}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.action = Action::kSet, .name = "a", .conflict = "lww"}), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace henge
