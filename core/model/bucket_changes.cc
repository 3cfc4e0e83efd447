#include "core/model/bucket_changes.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/model/nearest_name.h"

namespace henge {
namespace {

constexpr std::string_view kDefaultName = "default";

absl::Status CheckQuorumDefault(const char* which, uint32_t quorum, uint32_t replicas) {
  if (quorum <= replicas) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the bucket's ", which, " = ", quorum,
                                                 " can't be met: a key of this "
                                                 "cluster has ",
                                                 replicas, replicas == 1 ? " replica" : " replicas", ", give ", which,
                                                 " from 1 to ", replicas, ", or 0 for a majority"));
}

absl::Status Apply(const BucketSettings& settings, uint32_t replicas, Bucket* bucket) {
  if (settings.read_quorum.has_value()) bucket->read_quorum = *settings.read_quorum;
  if (settings.write_quorum.has_value()) bucket->write_quorum = *settings.write_quorum;
  if (settings.mode.has_value()) bucket->mode = *settings.mode;
  if (settings.durability.has_value()) bucket->durability = *settings.durability;
  if (settings.ttl_ms.has_value()) bucket->ttl_ms = *settings.ttl_ms;
  if (absl::Status r = CheckQuorumDefault("r", bucket->read_quorum, replicas); !r.ok()) return r;
  if (absl::Status w = CheckQuorumDefault("w", bucket->write_quorum, replicas); !w.ok()) return w;
  if (bucket->ttl_ms <= kBucketTtlMsMax) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("a TTL of ", bucket->ttl_ms, " ms is too long, the limit is ",
                                                 kBucketTtlMsMax, " ms, a hundred years: give 0 for none"));
}

std::vector<Bucket>::iterator Find(ClusterState& state, std::string_view name) {
  return std::find_if(state.buckets.begin(), state.buckets.end(), [name](const Bucket& b) { return b.name == name; });
}

absl::Status UnknownWord(const char* what, std::string_view word, const char* known) {
  return absl::InvalidArgumentError(
      absl::StrCat("there is no ", what, " \"", std::string(word.substr(0, kBucketNameBytesMax)), "\": give ", known));
}

}  // namespace

absl::Status NoSuchBucket(const ClusterState& state, std::string_view name) {
  const std::string shown(name.substr(0, kBucketNameBytesMax));
  std::vector<std::string> known;
  known.reserve(state.buckets.size());
  for (const Bucket& bucket : state.buckets) known.push_back(bucket.name);
  const std::string near = NearestName(shown, known);
  return absl::NotFoundError(absl::StrCat("no bucket is named \"", shown, "\"",
                                          near.empty() ? std::string(": see which there are by `henge bucket list`")
                                                       : absl::StrCat(", did you mean \"", near, "\"?")));
}

absl::StatusOr<ClusterState> CreateBucket(const ClusterState& state, std::string_view name, ConflictPolicy conflict,
                                          const BucketSettings& settings) {
  if (absl::Status status = CheckBucketName(name); !status.ok()) return status;
  if (const Bucket* there = state.FindBucket(name); there != nullptr) {
    return absl::AlreadyExistsError(absl::StrCat("there is a bucket \"", there->name, "\" already, with conflict = ",
                                                 NameOf(there->conflict), ": choose another name, or `set` this one"));
  }
  if (state.buckets.size() >= kBucketsMax || state.next_bucket_id.value() == std::numeric_limits<uint32_t>::max()) {
    return absl::ResourceExhaustedError(absl::StrCat("the cluster has ", state.buckets.size(),
                                                     " buckets and can't take another: drop one, or share one by a "
                                                     "prefix of the key"));
  }
  Bucket bucket{.id = state.next_bucket_id, .name = std::string(name), .conflict = conflict};
  if (absl::Status status = Apply(settings, state.replicas, &bucket); !status.ok()) return status;
  ClusterState next = state;
  next.next_bucket_id = BucketId(state.next_bucket_id.value() + 1);
  next.buckets.push_back(std::move(bucket));
  return next;
}

absl::StatusOr<ClusterState> SetBucket(const ClusterState& state, std::string_view name,
                                       const BucketSettings& settings) {
  ClusterState next = state;
  auto bucket = Find(next, name);
  if (bucket == next.buckets.end()) return NoSuchBucket(state, name);
  if (!settings.read_quorum && !settings.write_quorum && !settings.mode && !settings.durability && !settings.ttl_ms) {
    return absl::InvalidArgumentError("nothing to change was given: name r, w, mode, durability or ttl");
  }
  if (absl::Status status = Apply(settings, state.replicas, &*bucket); !status.ok()) return status;
  return next;
}

absl::StatusOr<ClusterState> DropBucket(const ClusterState& state, std::string_view name) {
  if (name == kDefaultName) {
    return absl::FailedPreconditionError(
        "the bucket \"default\" can't be dropped: clients that name no bucket use it; delete its keys instead");
  }
  ClusterState next = state;
  auto bucket = Find(next, name);
  if (bucket == next.buckets.end()) return NoSuchBucket(state, name);
  next.buckets.erase(bucket);
  return next;
}

const char* NameOf(ConflictPolicy conflict) { return conflict == ConflictPolicy::kSiblings ? "siblings" : "lww"; }
const char* NameOf(BucketMode mode) { return mode == BucketMode::kSloppy ? "sloppy" : "strict"; }
const char* NameOf([[maybe_unused]] Durability durability) { return "fsync"; }

absl::StatusOr<ConflictPolicy> ParseConflict(std::string_view word) {
  if (word == "siblings") return ConflictPolicy::kSiblings;
  if (word == "lww") return ConflictPolicy::kLastWriterWins;
  return UnknownWord("conflict policy", word, "siblings or lww");
}

absl::StatusOr<BucketMode> ParseBucketMode(std::string_view word) {
  if (word == "sloppy") return BucketMode::kSloppy;
  if (word == "strict") return BucketMode::kStrict;
  return UnknownWord("quorum mode", word, "sloppy or strict");
}

absl::StatusOr<Durability> ParseDurability(std::string_view word) {
  if (word == "fsync") return Durability::kFsync;
  if (word == "relaxed") {
    return absl::InvalidArgumentError(
        "durability relaxed, which may lose acknowledged writes, is not served by this version: give fsync");
  }
  return UnknownWord("durability", word, "fsync");
}

}  // namespace henge
