#include "coordinator/request_checks.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/model/hash.h"
#include "core/model/limits.h"
#include "core/model/slot.h"
#include "core/runtime/status_macros.h"

namespace henge {
namespace {

// Of the list of buckets in an error.
constexpr size_t kKnownBytesMax = 512;

absl::Status CheckSizes(const ClientRequest& request) {
  if (request.key.empty()) return absl::InvalidArgumentError("the key is empty: give it at least one byte");
  if (request.key.size() > kKeyBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("the key has ", request.key.size(), " bytes, the limit is ",
                                                   kKeyBytesMax, ": use a shorter key, or a hash of it"));
  }
  if (request.op != ClientOp::kPut) return absl::OkStatus();
  if (request.value.size() > kValueBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("the value has ", request.value.size(), " bytes, the limit is ",
                                                   kValueBytesMax, ": split it over several keys"));
  }
  if (request.expires_at_ms < 0) {
    return absl::InvalidArgumentError(absl::StrCat("expires_at_ms is ", request.expires_at_ms,
                                                   ": give milliseconds since the Unix epoch, or 0 for never"));
  }
  return absl::OkStatus();
}

absl::StatusOr<const Bucket*> CheckBucket(const ClientRequest& request, const ClusterState& state) {
  const Bucket* bucket = request.bucket.size() > kBucketNameBytesMax ? nullptr : state.FindBucket(request.bucket);
  if (bucket != nullptr) return bucket;
  std::string known;
  for (const Bucket& b : state.buckets) {
    absl::StrAppend(&known, known.empty() ? "" : ", ", "\"", b.name, "\"");
    if (known.size() > kKnownBytesMax) break;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("no bucket is named \"", request.bucket.substr(0, kBucketNameBytesMax), "\"; there are: ", known));
}

// A default of the bucket that is more than the owners of today counts as all of them.
absl::StatusOr<int> CheckQuorum(const ClientRequest& request, const Bucket& bucket, int owners) {
  if (!request.consistency.has_quorum) {
    const uint32_t quorum = request.op == ClientOp::kGet ? bucket.read_quorum : bucket.write_quorum;
    return quorum == 0 ? owners / 2 + 1 : std::min(static_cast<int>(quorum), owners);
  }
  const uint32_t quorum = request.consistency.quorum;
  if (quorum >= 1 && quorum <= static_cast<uint32_t>(owners)) return static_cast<int>(quorum);
  const char* name = request.op == ClientOp::kGet ? "r" : "w";
  return absl::InvalidArgumentError(absl::StrCat(name, " = ", quorum, " can't be met: a key of this cluster has ",
                                                 owners, owners == 1 ? " owner" : " owners", ", give ", name,
                                                 " from 1 to ", owners));
}

absl::StatusOr<MonotonicTime> DeadlineOf(const ClientRequest& request, const CoordinatorOptions& options,
                                         MonotonicTime now) {
  if (request.budget < Duration{0})
    return absl::DeadlineExceededError("the deadline had passed before the request began");
  const Duration budget = request.budget == Duration{0} ? options.budget_default : request.budget;
  return now + std::min(budget, options.budget_max);
}

}  // namespace

absl::StatusOr<CheckedRequest> CheckRequest(const ClientRequest& request, const Ring& ring,
                                            const CoordinatorOptions& options, MonotonicTime now) {
  HENGE_RETURN_IF_ERROR(CheckSizes(request));
  CheckedRequest checked;
  HENGE_ASSIGN_OR_RETURN(const Bucket* bucket, CheckBucket(request, ring.state()));
  checked.key.bucket = bucket->id;
  checked.ttl_ms = bucket->ttl_ms;
  checked.key.partition = PartitionOf(request.key);
  checked.key.key = request.key;
  checked.owners = static_cast<int>(ring.Owners(checked.key.partition).size());
  checked.majority = checked.owners / 2 + 1;
  checked.strict = request.consistency.mode == QuorumMode::kStrict || bucket->mode == BucketMode::kStrict;
  HENGE_ASSIGN_OR_RETURN(checked.quorum, CheckQuorum(request, *bucket, checked.owners));
  HENGE_ASSIGN_OR_RETURN(checked.context,
                         OpenContext(request.context, ring.cluster(), checked.key.bucket, request.key));
  HENGE_ASSIGN_OR_RETURN(checked.deadline, DeadlineOf(request, options, now));
  return checked;
}

uint64_t RequestHash(const ClientRequest& request) {
  uint64_t hash = Hash64(request.value, static_cast<uint64_t>(request.op));
  hash = Hash64(request.context, hash);
  return Hash64(absl::StrCat(request.expires_at_ms), hash);
}

}  // namespace henge
