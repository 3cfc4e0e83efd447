#include "node/state/state_holder.h"

#include <utility>

#include "core/runtime/status_macros.h"
#include "node/state/state_store.h"

namespace henge {

StateHolder::StateHolder(MemberId self, StoreEngine& engine, Executor& loop, Tracer& tracer, RingPtr start,
                         Adopted adopted)
    : self_(self),
      engine_(engine),
      loop_(loop),
      tracer_(tracer),
      ring_(std::move(start)),
      encoded_(ring_->state().Encode()),
      writing_(ring_),
      adopted_(std::move(adopted)),
      alive_(std::make_shared<bool>(true)) {}

StateSender StateHolder::Sender() const {
  return {ring_->cluster(), engine_.store_id(), ring_->version(), ring_->digest()};
}

absl::StatusOr<RingPtr> StateHolder::Parse(const std::string& bytes) {
  if (bytes == encoded_) return ring_;
  if (parsed_ == nullptr || bytes != parsed_bytes_) {
    HENGE_ASSIGN_OR_RETURN(ClusterState state, ClusterState::Decode(bytes));
    parsed_ = std::make_shared<const Ring>(std::move(state));
    parsed_bytes_ = bytes;
  }
  return parsed_;
}

void StateHolder::Learn(std::string bytes, Done done) {
  const absl::StatusOr<RingPtr> parsed = Parse(bytes);
  if (!parsed.ok()) return done(parsed.status());
  const RingPtr& ring = *parsed;
  const StateVersion version = ring->version();
  if (ring->cluster() != ring_->cluster()) {
    return done(absl::FailedPreconditionError("the cluster state is another cluster's"));
  }
  if (ring->state().FindMember(self_) == nullptr) {
    tracer_.Event(Severity::kAlarm, "NoLongerAMember", {{"version", version.value()}});
    return done(absl::FailedPreconditionError("this node is no member of the newer cluster state"));
  }
  for (const RingPtr& known : {ring_, writing_}) {
    if (version != known->version() || ring->digest() == known->digest()) continue;
    Alarm(MemberId(), version);
    return done(absl::FailedPreconditionError("there are two cluster states of one version"));
  }
  if (version <= ring_->version()) return done(absl::OkStatus());
  if (taken_over_) return done(absl::FailedPreconditionError("this node goes over to a recovered cluster"));
  waiting_.push_back({version, std::move(done)});
  // Commits keep their order, so that an older state never follows a newer one into the store.
  if (version <= writing_->version()) return;
  writing_ = ring;
  std::string note = bytes;
  engine_.CommitMeta(std::string(kStateNote), std::move(note), loop_,
                     [this, ring = writing_, bytes = std::move(bytes),
                      alive = std::weak_ptr<bool>(alive_)](absl::Status status) mutable {
                       if (!alive.expired()) OnWritten(std::move(ring), std::move(bytes), status);
                     });
}

void StateHolder::TakeOver(std::string bytes, Done done) {
  taken_over_ = true;
  engine_.CommitMeta(std::string(kStateNote), std::move(bytes), loop_, std::move(done));
}

void StateHolder::OnWritten(RingPtr ring, std::string bytes, const absl::Status& status) {
  if (status.ok() && ring->version() > ring_->version()) {
    const RingPtr before = std::exchange(ring_, std::move(ring));
    encoded_ = std::move(bytes);
    tracer_.Event(Severity::kInfo, "ClusterStateAdopted",
                  {{"version", ring_->version().value()}, {"digest", ring_->digest()}});
    adopted_(before, ring_);
  }
  std::vector<Done> ready;
  std::erase_if(waiting_, [&](Waiting& one) {
    const bool over = !status.ok() || one.version <= ring_->version();
    if (over) ready.push_back(std::move(one.done));
    return over;
  });
  for (Done& done : ready) done(status);
}

bool StateHolder::Contradicts(MemberId peer, StateVersion version, uint64_t digest) {
  if (version != ring_->version() || digest == ring_->digest()) return false;
  Alarm(peer, version);
  return true;
}

void StateHolder::Alarm(MemberId peer, StateVersion version) {
  if (std::exchange(contradicted_, true)) return;
  tracer_.Event(Severity::kAlarm, "ClusterStateDiffers",
                {{"peer", uint64_t{peer.value()}}, {"version", version.value()}});
}

}  // namespace henge
