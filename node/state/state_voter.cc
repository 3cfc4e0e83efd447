#include "node/state/state_voter.h"

#include <utility>

#include "node/state/state_store.h"

namespace henge {
namespace {

StateVersion After(StateVersion version) { return StateVersion(version.value() + 1); }

// P31: who is bound stays bound, and from version 2 on those who are can decide.
bool KeepsBindings(const ClusterState& base, const ClusterState& next) {
  size_t bound = 0;
  for (const Member& member : next.members) {
    const Member* before = base.FindMember(member.id);
    if (member.store != StoreId()) {
      ++bound;
    } else if (before == nullptr || before->store != StoreId()) {
      return false;
    }
  }
  return 2 * bound > next.members.size();
}

}  // namespace

StateVoter::StateVoter(StateHolder& holder, StoreEngine& engine, Executor& loop, PaxosAcceptor start)
    : holder_(holder),
      engine_(engine),
      loop_(loop),
      version_(After(holder.ring()->version())),
      acceptor_(std::move(start)) {}

absl::Status StateVoter::CheckValue(const std::string& value) {
  const absl::StatusOr<RingPtr> parsed = holder_.Parse(value);
  if (!parsed.ok()) return absl::InvalidArgumentError("what is proposed is no cluster state");
  const ClusterState& state = (*parsed)->state();
  const ClusterState& base = holder_.ring()->state();
  if (state.cluster != base.cluster || state.version != After(base.version) ||
      state.next_bucket_id < base.next_bucket_id || !KeepsBindings(base, state)) {
    return absl::InvalidArgumentError("what is proposed is no next version of this cluster's state");
  }
  return absl::OkStatus();
}

void StateVoter::Vote(MemberId from, StateCall call, Reply reply) {
  if (retired_at_ == holder_.ring()->version()) {
    return reply(absl::FailedPreconditionError(
        "this member has accepted a recovery of the cluster and does not vote: bring 'henge cluster recover --force' "
        "to its end"));
  }
  StateAnswer answer{.sender = holder_.Sender()};
  if (call.sender.version != answer.sender.version) {
    const bool newer = answer.sender.version > call.sender.version;
    answer.verdict = newer ? StateVerdict::kNewer : StateVerdict::kBehind;
    if (newer) answer.value = holder_.encoded();
    return reply(std::move(answer));
  }
  if (holder_.Contradicts(from, call.sender.version, call.sender.digest)) {
    return reply(
        absl::FailedPreconditionError("the caller's cluster state has this node's version and another content"));
  }
  if (call.ballot.member != from) return reply(absl::InvalidArgumentError("the ballot is another member's"));
  if (version_ != After(answer.sender.version)) {
    version_ = After(answer.sender.version);
    acceptor_ = PaxosAcceptor();
  }
  bool granted = false;
  if (call.ask == StateAsk::kPrepare) {
    granted = acceptor_.Prepare(call.ballot);
    if (granted) {
      answer.accepted = acceptor_.accepted().ballot;
      answer.value = acceptor_.accepted().value;
    }
  } else {
    if (absl::Status status = CheckValue(call.value); !status.ok()) return reply(status);
    granted = acceptor_.Accept(call.ballot, std::move(call.value));
  }
  answer.verdict = granted ? StateVerdict::kGranted : StateVerdict::kRefused;
  answer.promised = acceptor_.promised();
  if (!granted) return reply(std::move(answer));
  engine_.CommitMeta(std::string(kVoteNote), acceptor_.Encode(version_), loop_,
                     [answer = std::move(answer), reply = std::move(reply)](absl::Status status) mutable {
                       if (status.ok()) {
                         reply(std::move(answer));
                       } else {
                         reply(std::move(status));
                       }
                     });
}

PaxosVote StateVoter::accepted() const {
  return version_ == After(holder_.ring()->version()) ? acceptor_.accepted() : PaxosVote();
}

bool StateVoter::undecided() const {
  return version_ == After(holder_.ring()->version()) && !acceptor_.accepted().ballot.IsNone();
}

uint64_t StateVoter::round() const {
  return version_ == After(holder_.ring()->version()) ? acceptor_.promised().round : 0;
}

}  // namespace henge
