#include "node/record_repair.h"

#include <utility>

#include "core/model/conflict.h"
#include "core/model/object.h"

namespace henge {
namespace {

constexpr Duration kAnswerTime = std::chrono::seconds(5);
constexpr Duration kPause = std::chrono::seconds(1);
constexpr size_t kUnderWayMax = 64;
constexpr size_t kFailedMax = 4096;

}  // namespace

RecordRepair::RecordRepair(MemberId self, ShardEnvironment environment, ReplicaStore& store)
    : self_(self), env_(environment), store_(store), alive_(std::make_shared<bool>(true)) {}

RecordRepair::~RecordRepair() = default;

void RecordRepair::Begin(const RecordKey& key, const RingPtr& ring) {
  if (under_way_.contains(key) || under_way_.size() >= kUnderWayMax) return;
  const MonotonicTime now = env_.clock.Now();
  if (auto failed = not_before_.find(key); failed != not_before_.end()) {
    if (now < failed->second) return;
    not_before_.erase(failed);
  }
  const std::span<const MemberId> owners = ring->Owners(key.partition);
  if (!ring->IsOwner(key.partition, self_) || owners.size() < 2) return;
  ++figures_.begun;
  auto mend = std::make_shared<Mend>();
  mend->ring = ring;
  mend->missing = static_cast<int>(owners.size()) - 1;
  under_way_.emplace(key, std::move(mend));
  for (MemberId owner : owners) {
    if (owner == self_) continue;
    ReadRequest request{.key = key, .epoch = ring->Epoch(key.partition), .known_digest = std::nullopt};
    env_.transport.Call(owner, std::move(request), now + kAnswerTime,
                        [this, alive = std::weak_ptr<bool>(alive_), key](absl::StatusOr<PeerReply> reply) {
                          if (!alive.expired()) OnAnswer(key, std::move(reply));
                        });
  }
}

void RecordRepair::OnAnswer(const RecordKey& key, absl::StatusOr<PeerReply> reply) {
  const auto found = under_way_.find(key);
  if (found == under_way_.end()) return;
  Mend& mend = *found->second;
  auto* read = reply.ok() ? std::get_if<ReadReply>(&*reply) : nullptr;
  absl::StatusOr<Object> object = Object();
  if (read != nullptr && read->found) object = Object::Decode(read->object);
  if (read == nullptr || !object.ok()) {
    mend.failed = true;
  } else if (read->found) {
    mend.found = true;
    MergeRecord(mend.ring->ConflictOf(key.bucket), &mend.object, *std::move(object));
  }
  if (--mend.missing == 0) Finish(key);
}

void RecordRepair::Finish(const RecordKey& key) {
  const std::shared_ptr<Mend> mend = under_way_.at(key);
  if (mend->failed) {
    End(key, "RecordNotMended", absl::UnavailableError("not all other owners told what they have of the record"));
    return;
  }
  // Nobody else ever had it: the broken bytes are the only trace of it, and stay.
  if (!mend->found) {
    End(key, "RecordNotMended", absl::NotFoundError("no other owner has the record"));
    return;
  }
  store_.ReadBase(key, [this, alive = std::weak_ptr<bool>(alive_), key, mend](absl::StatusOr<BaseRecord> base) {
    if (alive.expired()) return;
    if (absl::IsDataLoss(base.status())) {
      Write(key, std::move(mend->object));
    } else {
      End(key, "RecordReadableAgain", base.status());
    }
  });
}

// Over the broken bytes, without a mark: the next mint on it opens an epoch of its own (P4).
void RecordRepair::Write(const RecordKey& key, Object object) {
  std::string encoded = object.Encode();
  const int64_t now_ms = env_.clock.WallNow().time_since_epoch().count();
  store_.Write(key, std::move(object), std::move(encoded), std::nullopt, now_ms,
               [this, alive = std::weak_ptr<bool>(alive_), key](const absl::Status& status) {
                 if (alive.expired()) return;
                 if (status.ok()) ++figures_.mended;
                 End(key, status.ok() ? "RecordMended" : "RecordNotMended", status);
               });
}

void RecordRepair::End(const RecordKey& key, const char* event, const absl::Status& status) {
  under_way_.erase(key);
  if (!status.ok()) {
    if (not_before_.size() >= kFailedMax) not_before_.erase(not_before_.begin());
    not_before_[key] = env_.clock.Now() + kPause;
  }
  env_.tracer.Event(Severity::kWarning, event,
                    {{"partition", uint64_t{key.partition.value()}},
                     {"bucket", uint64_t{key.bucket.value()}},
                     {"status", status.ToString()}});
}

}  // namespace henge
