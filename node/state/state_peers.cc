#include "node/state/state_peers.h"

#include <utility>

namespace henge {

StatePeers::StatePeers(StateHolder& holder, const Clock& clock, Transport& transport)
    : holder_(holder), clock_(clock), transport_(transport), alive_(std::make_shared<bool>(true)) {}

void StatePeers::Ask(MemberId to, StateCall call, Duration patience, Done done) {
  if (call.sender.version == StateVersion()) call.sender = holder_.Sender();
  transport_.Call(
      to, ControlRequest{ControlKind::kState, call.Encode()}, clock_.Now() + patience,
      [this, to, done = std::move(done), alive = std::weak_ptr<bool>(alive_)](absl::StatusOr<PeerReply> reply) mutable {
        if (alive.expired()) return;
        if (!reply.ok()) return done(reply.status());
        auto* control = std::get_if<ControlReply>(&*reply);
        if (control == nullptr) return done(absl::InternalError("the answer is of another kind than the call"));
        absl::StatusOr<StateAnswer> answer = StateAnswer::Decode(control->body);
        if (!answer.ok()) return done(answer.status());
        OnAnswer(to, *std::move(answer), std::move(done));
      });
}

void StatePeers::OnAnswer(MemberId from, StateAnswer answer, Done done) {
  if (answer.sender.cluster != holder_.ring()->cluster()) {
    return done(absl::FailedPreconditionError("it belongs to another cluster"));
  }
  stores_[from] = answer.sender.store;
  if (holder_.Contradicts(from, answer.sender.version, answer.sender.digest)) {
    return done(absl::FailedPreconditionError("its cluster state has this node's version and another content"));
  }
  if (answer.verdict != StateVerdict::kNewer) return done(std::move(answer));
  std::string newer = answer.value;
  holder_.Learn(std::move(newer), [answer = std::move(answer), done = std::move(done)](absl::Status status) mutable {
    if (status.ok()) {
      done(std::move(answer));
    } else {
      done(std::move(status));
    }
  });
}

StoreId StatePeers::StoreOf(MemberId member) const {
  const auto found = stores_.find(member);
  return found == stores_.end() ? StoreId() : found->second;
}

}  // namespace henge
