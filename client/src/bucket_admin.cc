// Buckets, as henge/admin.h shows them.
#include <utility>

#include "client/src/admin_call.h"
#include "client/src/wire.h"
#include "core/model/bucket_changes.h"
#include "core/model/cluster_state.h"
#include "henge/admin.h"

namespace henge {
namespace {

using std::chrono::milliseconds;

absl::StatusOr<uint64_t> Propose(std::string_view endpoints, v1::BucketAction action, const BucketOptions& bucket,
                                 milliseconds timeout) {
  v1::ChangeBucketRequest request;
  request.set_action(action);
  request.set_name(bucket.name);
  request.set_conflict(bucket.conflict);
  request.set_mode(bucket.mode);
  request.set_durability(bucket.durability);
  if (bucket.read_quorum.has_value()) request.set_read_quorum(*bucket.read_quorum);
  if (bucket.write_quorum.has_value()) request.set_write_quorum(*bucket.write_quorum);
  if (bucket.ttl.has_value()) {
    if (*bucket.ttl < milliseconds(0))
      return absl::InvalidArgumentError("the bucket's TTL is negative: give 0 for none");
    request.set_ttl_ms(static_cast<uint64_t>(bucket.ttl->count()));
  }
  auto reply = sdk::AskFirst(
      endpoints, sdk::AdminMethod<v1::ChangeBucketRequest, v1::ChangeBucketReply>(&v1::Admin::Stub::ChangeBucket),
      request, timeout, sdk::Repeat::kChange);
  if (!reply.ok()) return reply.status();
  if (reply->code() != 0) return sdk::StatusOf(reply->code(), reply->message());
  return reply->state_version();
}

}  // namespace

absl::StatusOr<std::vector<BucketView>> ListBuckets(std::string_view endpoints, milliseconds timeout) {
  auto encoded = FetchClusterState(endpoints, timeout);
  if (!encoded.ok()) return encoded.status();
  auto state = ClusterState::Decode(encoded->state);
  if (!state.ok()) return state.status();
  std::vector<BucketView> views;
  views.reserve(state->buckets.size());
  for (const Bucket& bucket : state->buckets) {
    views.push_back({.id = bucket.id.value(),
                     .name = bucket.name,
                     .conflict = NameOf(bucket.conflict),
                     .read_quorum = bucket.read_quorum,
                     .write_quorum = bucket.write_quorum,
                     .mode = NameOf(bucket.mode),
                     .durability = NameOf(bucket.durability),
                     .ttl = milliseconds(static_cast<int64_t>(bucket.ttl_ms))});
  }
  return views;
}

absl::StatusOr<uint64_t> CreateBucket(std::string_view endpoints, const BucketOptions& bucket, milliseconds timeout) {
  return Propose(endpoints, v1::BUCKET_ACTION_CREATE, bucket, timeout);
}

absl::StatusOr<uint64_t> SetBucket(std::string_view endpoints, const BucketOptions& bucket, milliseconds timeout) {
  return Propose(endpoints, v1::BUCKET_ACTION_SET, bucket, timeout);
}

absl::StatusOr<uint64_t> DropBucket(std::string_view endpoints, std::string_view name, milliseconds timeout) {
  return Propose(endpoints, v1::BUCKET_ACTION_DROP, {.name = std::string(name)}, timeout);
}

}  // namespace henge
