#include "node/explain.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/model/slot.h"

namespace henge {
namespace {

constexpr Duration kBudget = std::chrono::seconds(2);
constexpr size_t kFallbacksAskedMax = 16;

void Fill(absl::StatusOr<PeerReply> reply, ExplainedReplica* out) {
  out->status = reply.status();
  if (!reply.ok()) return;
  ReadReply read = std::get<ReadReply>(*std::move(reply));
  out->found = read.found;
  out->mark = read.mark;
  out->written_at_ms = read.written_at_ms;
  out->object_bytes = read.object.size();
  if (!read.found) return;
  out->digest = ObjectDigest(read.object);
  absl::StatusOr<Object> object = Object::Decode(read.object);
  out->status = object.status();
  if (object.ok()) out->object = *std::move(object);
}

bool AllEqual(const std::vector<ExplainedReplica>& replicas) {
  for (const ExplainedReplica& replica : replicas) {
    if (!replica.status.ok()) return false;
    if (replica.found != replicas[0].found || replica.digest != replicas[0].digest) return false;
  }
  return true;
}

}  // namespace

Explainer::Explainer(MemberId self, Clock& clock, ReplicaCaller& replicas, RingPtr ring)
    : self_(self), clock_(clock), replicas_(replicas), ring_(std::move(ring)) {}

void Explainer::Run(ExplainQuery query, Done done) {
  if (query.key.empty() || query.key.size() > kKeyBytesMax) {
    return done(absl::InvalidArgumentError(
        absl::StrCat("a key of ", query.key.size(), " bytes: a key has 1 to ", kKeyBytesMax)));
  }
  const Bucket* bucket = ring_->state().FindBucket(query.bucket.empty() ? "default" : query.bucket);
  if (bucket == nullptr) {
    return done(absl::NotFoundError(absl::StrCat("there is no bucket \"", query.bucket, "\": use \"default\"")));
  }
  const PartitionId partition = PartitionOf(query.key);
  tasks_.Spawn(Serve(RecordKey{partition, bucket->id, std::move(query.key)}, std::move(done)));
}

Task<std::vector<ExplainedReplica>> Explainer::AskAll(RingPtr ring, std::vector<MemberId> members, RecordKey key,
                                                      bool from_hints) {
  std::vector<Completion<absl::StatusOr<PeerReply>>> answers(members.size());
  const ReadRequest request{key, ring->Epoch(key.partition), std::nullopt, from_hints};
  for (size_t i = 0; i < members.size(); ++i) {
    replicas_.Call(members[i], request, clock_.Now() + kBudget,
                   [answer = answers[i]](absl::StatusOr<PeerReply> reply) mutable { answer.Set(std::move(reply)); });
  }
  std::vector<ExplainedReplica> replicas;
  for (size_t i = 0; i < members.size(); ++i) {
    const Member* member = ring->state().FindMember(members[i]);
    ExplainedReplica& replica = replicas.emplace_back();
    replica.member = members[i];
    replica.name = member == nullptr ? "?" : member->name;
    Fill(co_await answers[i], &replica);
  }
  co_return replicas;
}

Task<void> Explainer::Serve(RecordKey key, Done done) {
  const RingPtr ring = ring_;
  const std::span<const MemberId> owners = ring->Owners(key.partition);
  Explanation out;
  out.partition = key.partition;
  out.segment = SegmentOf(key.bucket, key.key);
  out.epoch = ring->Epoch(key.partition);
  out.state_version = ring->version();
  out.owners.assign(owners.begin(), owners.end());
  out.fallbacks = ring->Fallbacks(key.partition);
  std::vector<MemberId> asked = out.owners;
  out.replicas = co_await AskAll(ring, std::move(asked), key, /*from_hints=*/false);
  out.replicas_equal = AllEqual(out.replicas);
  std::vector<MemberId> keepers = out.fallbacks;
  keepers.resize(std::min(keepers.size(), kFallbacksAskedMax));
  std::vector<ExplainedReplica> hints = co_await AskAll(ring, std::move(keepers), std::move(key), /*from_hints=*/true);
  for (ExplainedReplica& hint : hints) {
    if (hint.found) out.hints.push_back(std::move(hint));
  }
  done(std::move(out));
}

}  // namespace henge
