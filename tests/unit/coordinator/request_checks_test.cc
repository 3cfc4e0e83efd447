#include "coordinator/request_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "core/model/limits.h"
#include "tests/unit/coordinator/fakes.h"

namespace henge {
namespace {

using coordinator_test::Delete;
using coordinator_test::Get;
using coordinator_test::MakeRing;
using coordinator_test::Put;
using coordinator_test::With;
using testing::HasSubstr;

const MonotonicTime kNow{std::chrono::hours(1)};

class RequestChecks : public testing::Test {
 protected:
  absl::StatusOr<CheckedRequest> Check(const ClientRequest& request) {
    return CheckRequest(request, *ring_, options_, kNow);
  }
  void ExpectInvalid(const ClientRequest& request, const std::string& text) {
    const auto checked = Check(request);
    EXPECT_EQ(checked.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(checked.status().message()), HasSubstr(text));
  }

  RingPtr ring_ = MakeRing(5);
  CoordinatorOptions options_;
};

TEST_F(RequestChecks, GivesAGoodRequestItsKeyQuorumAndDeadline) {
  const auto checked = Check(Put("v"));
  ASSERT_TRUE(checked.ok()) << checked.status();
  EXPECT_EQ(checked->key.key, "k");
  EXPECT_EQ(checked->owners, 3);
  EXPECT_EQ(checked->quorum, 2) << "a majority by default";
  EXPECT_FALSE(checked->strict);
  EXPECT_EQ(checked->deadline, kNow + options_.budget_default);
}

TEST_F(RequestChecks, RefusesBadKeysAndValuesSayingWhatToDo) {
  ExpectInvalid(Get(""), "the key is empty");
  ExpectInvalid(Get(std::string(kKeyBytesMax + 1, 'k')), "the limit is 4096");
  EXPECT_TRUE(Check(Get(std::string(kKeyBytesMax, 'k'))).ok());
  ExpectInvalid(Put(std::string(kValueBytesMax + 1, 'v')), "split it over several keys");
  EXPECT_TRUE(Check(Put(std::string(kValueBytesMax, 'v'))).ok());
  EXPECT_TRUE(Check(Put("")).ok()) << "an empty value is a value";
  ClientRequest expiring = Put("v");
  expiring.expires_at_ms = -1;
  ExpectInvalid(expiring, "expires_at_ms is -1");
}

TEST_F(RequestChecks, NamesTheBucketsThatThereAre) {
  ClientRequest request = Get();
  request.bucket = "defualt";
  ExpectInvalid(request, "no bucket is named \"defualt\"; there are: \"default\"");
  request.bucket = std::string(1 << 20, 'x');
  const auto checked = Check(request);
  EXPECT_LT(checked.status().message().size(), 200u) << "the error doesn't repeat a megabyte";
}

TEST_F(RequestChecks, RefusesQuorumsThatNoKeyCanMeet) {
  ExpectInvalid(With(Get(), 0), "r = 0");
  ExpectInvalid(With(Get(), 4), "r = 4 can't be met: a key of this cluster has 3 owners, give r from 1 to 3");
  ExpectInvalid(With(Put("v"), 4), "w = 4");
  ExpectInvalid(With(Delete(), 0xFFFFFFFF), "w = 4294967295");
  EXPECT_EQ(Check(With(Get(), 3))->quorum, 3);
  EXPECT_EQ(Check(With(Get(), 1))->quorum, 1);
}

TEST_F(RequestChecks, ABucketsDefaultsHoldWhereTheRequestNamesNone) {
  ClusterState state = ring_->state();
  state.buckets.push_back({.id = BucketId(2),
                           .name = "cache",
                           .conflict = ConflictPolicy::kLastWriterWins,
                           .read_quorum = 1,
                           .write_quorum = 3,
                           .mode = BucketMode::kStrict,
                           .ttl_ms = 60'000});
  state.next_bucket_id = BucketId(3);
  ring_ = std::make_shared<const Ring>(std::move(state));
  ClientRequest get = Get();
  ClientRequest put = Put("v");
  get.bucket = put.bucket = "cache";
  EXPECT_EQ(Check(get)->quorum, 1);
  EXPECT_EQ(Check(put)->quorum, 3);
  EXPECT_EQ(Check(With(put, 2))->quorum, 2) << "the request's own choice wins";
  EXPECT_TRUE(Check(put)->strict);
  EXPECT_EQ(Check(put)->ttl_ms, 60'000u);
  EXPECT_EQ(Check(put)->key.bucket, BucketId(2));
  ExpectInvalid(With(put, 4), "w = 4");
  EXPECT_EQ(Check(Put("v"))->ttl_ms, 0u);
  EXPECT_FALSE(Check(Put("v"))->strict);
}

TEST_F(RequestChecks, AClusterSmallerThanNHasAsManyOwnersAsMembers) {
  ring_ = MakeRing(2);
  EXPECT_EQ(Check(Put("v"))->owners, 2);
  EXPECT_EQ(Check(Put("v"))->quorum, 2);
  ExpectInvalid(With(Put("v"), 3), "has 2 owners");
}

TEST_F(RequestChecks, RefusesAContextOfAnotherKeyOrClusterAndACorruptOne) {
  Context context;
  context.vv.Raise(coordinator_test::MakeDot(1, 1).actor, 4);
  const BucketId bucket = ring_->state().buckets[0].id;
  ClientRequest request = Put("v");
  request.context = SealContext(context, ring_->cluster(), bucket, "k");
  ASSERT_TRUE(Check(request).ok());
  EXPECT_EQ(Check(request)->context, context);
  request.context = SealContext(context, ring_->cluster(), bucket, "another");
  EXPECT_EQ(Check(request).status().code(), absl::StatusCode::kInvalidArgument);
  request.context = SealContext(context, ClusterId(77), bucket, "k");
  EXPECT_EQ(Check(request).status().code(), absl::StatusCode::kInvalidArgument);
  request.context = "garbage";
  EXPECT_EQ(Check(request).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(RequestChecks, BoundsTheBudgetAndRefusesOneThatIsUsedUp) {
  ClientRequest request = Get();
  request.budget = std::chrono::hours(1);
  EXPECT_EQ(Check(request)->deadline, kNow + options_.budget_max);
  request.budget = std::chrono::milliseconds(3);
  EXPECT_EQ(Check(request)->deadline, kNow + std::chrono::milliseconds(3));
  request.budget = Duration(-1);
  EXPECT_EQ(Check(request).status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(RequestChecks, P8TheRequestHashTellsMutationsApart) {
  ClientRequest put = Put("v");
  const uint64_t hash = RequestHash(put);
  EXPECT_EQ(RequestHash(Put("v")), hash);
  EXPECT_NE(RequestHash(Put("w")), hash);
  EXPECT_NE(RequestHash(Delete()), RequestHash(Put("")));
  put.expires_at_ms = 5;
  EXPECT_NE(RequestHash(put), hash);
  put = Put("v");
  put.context = "c";
  EXPECT_NE(RequestHash(put), hash);
}

}  // namespace
}  // namespace henge
