// The cluster state in a node's own store: the newest decided one, and this member's vote on the next.
//
// Three notes of metadata. They are written in the order of the control loop's commits, so that a vote on a version
// never lies beside a state older than the one before it.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/model/cluster_state.h"
#include "core/model/paxos_acceptor.h"
#include "storage/store_engine.h"

namespace henge {

inline constexpr std::string_view kStateNote = "cluster-state";
inline constexpr std::string_view kVoteNote = "state-vote";
inline constexpr std::string_view kRecoveryVoteNote = "recovery-vote";

struct StoredState {
  ClusterState state;
  PaxosAcceptor acceptor;  // for the version after it
  // For a recovery of its cluster (P32), with the version of the state that the member had when it accepted one.
  PaxosAcceptor::Stored recovery;
};

// What a node starts from: the newest decided state in its store, or `configured` if there is none. `configured` may be
// that of the first start although the cluster was recovered under another id since (P32). A single member
// decides alone: it is bound to its store, and listed with the addresses of `configured`, before this returns.
// FAILED_PRECONDITION for a state of another cluster or without this member; DATA_LOSS for a broken note. Start-up
// only: blocks on the store.
absl::StatusOr<StoredState> LoadState(StoreEngine& engine, const ClusterState& configured, MemberId self);

// docs/FORMAT.md, "Recovery of a lost majority": the vote on a recovery of `cluster`.
std::string EncodeRecoveryVote(ClusterId cluster, const PaxosAcceptor::Stored& vote);

}  // namespace henge
