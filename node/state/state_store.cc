#include "node/state/state_store.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/model/wire.h"
#include "core/runtime/status_macros.h"
#include "node/state/state_change.h"

namespace henge {
namespace {

absl::StatusOr<ClusterState> ReadNewest(StoreEngine& engine, const ClusterState& configured, MemberId self) {
  HENGE_ASSIGN_OR_RETURN(std::optional<std::string> bytes, engine.ReadMeta(kStateNote));
  if (!bytes.has_value()) return configured;
  HENGE_ASSIGN_OR_RETURN(ClusterState state, ClusterState::Decode(*bytes));
  if (state.origin() != configured.origin()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the data directory holds a state of cluster ", absl::Hex(state.origin().value(), absl::kZeroPad16),
        ", the configuration describes cluster ", absl::Hex(configured.origin().value(), absl::kZeroPad16),
        ": nothing was changed. Give the initial cluster and token of its first start, or another data directory"));
  }
  if (state.FindMember(self) == nullptr) {
    return absl::FailedPreconditionError(
        "this node was removed from the cluster: a removed member never comes back, start it as a new one");
  }
  return state;
}

// A vote on the recovery of another cluster, one that this state has come out of, is over.
absl::StatusOr<PaxosAcceptor::Stored> ReadRecoveryVote(StoreEngine& engine, const ClusterState& state) {
  HENGE_ASSIGN_OR_RETURN(std::optional<std::string> bytes, engine.ReadMeta(kRecoveryVoteNote));
  if (!bytes.has_value()) return PaxosAcceptor::Stored();
  ByteReader in(*bytes);
  const ClusterId of(in.Fixed64());
  HENGE_ASSIGN_OR_RETURN(PaxosAcceptor::Stored vote, PaxosAcceptor::Decode(in.Raw(in.remaining())));
  if (of != state.cluster) return PaxosAcceptor::Stored();
  // Nothing is recovered before version 2: a note that names version 1 doesn't tell when. The vote still stands then,
  // as far as anybody knows.
  if (vote.version == StateVersion(1)) vote.version = state.version;
  return vote;
}

// The one member's vote is the decision. Its configuration says where it listens today.
absl::Status DecideAlone(StoreEngine& engine, const Member& configured, StoredState* stored) {
  const StateVersion known = stored->state.version;
  if (const PaxosVote& vote = stored->acceptor.accepted(); !vote.ballot.IsNone()) {
    HENGE_ASSIGN_OR_RETURN(stored->state, ClusterState::Decode(vote.value));
  }
  Member self = configured;
  self.store = engine.store_id();
  if (stored->state.members[0] != self) {
    stored->state = Successor(stored->state, self.store.value() ^ stored->state.version.value());
    stored->state.members[0] = std::move(self);
  }
  if (stored->state.version == known) return absl::OkStatus();
  stored->acceptor = PaxosAcceptor();
  return engine.WriteMeta(kStateNote, stored->state.Encode());
}

}  // namespace

absl::StatusOr<StoredState> LoadState(StoreEngine& engine, const ClusterState& configured, MemberId self) {
  StoredState stored;
  HENGE_ASSIGN_OR_RETURN(stored.state, ReadNewest(engine, configured, self));
  HENGE_ASSIGN_OR_RETURN(std::optional<std::string> bytes, engine.ReadMeta(kVoteNote));
  if (bytes.has_value()) {
    HENGE_ASSIGN_OR_RETURN(PaxosAcceptor::Stored vote, PaxosAcceptor::Decode(*bytes));
    const StateVersion next(stored.state.version.value() + 1);
    if (vote.version > next) {
      return absl::DataLossError(absl::StrCat("the data directory holds a vote on version ", vote.version.value(),
                                              " of the cluster state, but not the version before: restore it whole"));
    }
    if (vote.version == next) stored.acceptor = std::move(vote.acceptor);
  }
  HENGE_ASSIGN_OR_RETURN(stored.recovery, ReadRecoveryVote(engine, stored.state));
  if (stored.state.members.size() == 1) {
    const Member* listed = configured.FindMember(self);
    if (listed == nullptr) return absl::InvalidArgumentError("this node is no member of its own configuration");
    HENGE_RETURN_IF_ERROR(DecideAlone(engine, *listed, &stored));
  }
  return stored;
}

std::string EncodeRecoveryVote(ClusterId cluster, const PaxosAcceptor::Stored& vote) {
  std::string bytes;
  ByteWriter out(&bytes);
  out.Fixed64(cluster.value());
  out.Raw(vote.acceptor.Encode(vote.version));
  return bytes;
}

}  // namespace henge
