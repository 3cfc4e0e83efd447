// The keeper of the cluster state: votes on it, proposes it, learns it, and binds the members to their stores.
//
// Owned by the node; lives on the control loop. Serves the control messages of kind kState. Data requests never wait
// for anything here.
//
// What this node goes by is durable, is never older than what it went by before, and was decided by the members of the
// version before it: all of them for version 2, which binds each to its store (P31), a majority of the bound stores for
// every other.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/model/ring.h"
#include "core/runtime/environment.h"
#include "core/runtime/task_scope.h"
#include "node/control_plane.h"
#include "node/state/recovery_driver.h"
#include "node/state/recovery_voter.h"
#include "node/state/state_change.h"
#include "node/state/state_holder.h"
#include "node/state/state_peers.h"
#include "node/state/state_proposer.h"
#include "node/state/state_store.h"
#include "node/state/state_voter.h"
#include "storage/store_engine.h"

namespace henge {

struct StateKeeperHooks {
  // A state was adopted; `before` is the one until now.
  StateHolder::Adopted adopted;
  // The member is bound to another store than this one: what that store held is not here (a wiped or replaced disk).
  // This store asks to be bound in its place only after `ready` has run, so that who must know that the node is
  // recovering (P15) can make that durable first. At most once in a process's life; absent = ready at once.
  std::function<void(Closure ready)> on_rebound;
  RecoveryHooks recovery;
  // `by` says that this node was given up when the cluster was recovered (P32); again and again.
  std::function<void(MemberId by, std::string why)> on_given_up;
};

class StateKeeper : public ControlService {
 public:
  StateKeeper(MemberId self, const ShardEnvironment& home, StoreEngine& engine, StoredState start,
              StateKeeperHooks hooks);

  // Begins to meet the peers. Once.
  void Begin();

  void Serve(MemberId from, std::string body, MonotonicTime deadline, ReplyFn reply) override;

  // See StateProposer::Propose.
  void Propose(StateChange change, Duration budget, StateProposer::Done done) {
    proposer_.Propose(std::move(change), budget, std::move(done));
  }

  // Has version 2 decided although the members of these names never start (P31): they are left unbound, and bound when
  // they do. INVALID_ARGUMENT for a name that no other member has; FAILED_PRECONDITION if one of them has answered this
  // node, if the members are bound already, or the rest is no majority; UNAVAILABLE if one of the rest is missing.
  void BindWithout(const std::vector<std::string>& names, Duration budget, StateProposer::Done done);

  // See RecoveryDriver::Recover (P32).
  void Recover(RecoverOrder order, Duration budget, RecoveryDriver::Done done) {
    recovery_.Recover(std::move(order), budget, std::move(done));
  }
  // Serves the control messages of kind kRecover.
  ControlService& recovery_service() { return recovery_service_; }
  // A node of another cluster was met.
  void OnForeignCluster(ClusterId cluster) { recovery_voter_.OnForeignCluster(cluster); }

  // `peer` says that it goes by `version` with `digest`: a newer one is fetched from it, a contradicting one is
  // alarmed.
  void OnPeerState(MemberId peer, StateVersion version, uint64_t digest);

  const RingPtr& ring() const { return holder_.ring(); }
  // Whether the members' states contradict, so that nothing may be changed (P30).
  bool contradicted() const { return holder_.contradicted(); }

  // Takes no new proposal and asks nobody for news; `idle` runs when no proposal is under way. Peers are served on.
  void Drain(Closure idle) {
    draining_ = true;
    proposer_.Drain([this, idle = std::move(idle)]() mutable { recovery_.Drain(std::move(idle)); });
  }

 private:
  class RecoveryService : public ControlService {
   public:
    explicit RecoveryService(StateKeeper& keeper) : keeper_(keeper) {}
    void Serve(MemberId from, std::string body, MonotonicTime deadline, ReplyFn reply) override;

   private:
    StateKeeper& keeper_;
  };

  // The call in `body`, if it is of a member of this cluster.
  absl::StatusOr<StateCall> Open(MemberId from, std::string_view body);
  void OnAdopted(const RingPtr& before, const RingPtr& now);
  Task<void> KeepUp();
  void Fetch(MemberId from);
  bool HasMetAll() const;
  bool Settled() const;
  void BindIfDue();
  absl::StatusOr<std::set<MemberId>> CheckWithout(const std::vector<std::string>& names) const;
  void Bind(std::set<MemberId> without, Duration budget, StateProposer::Done done);
  void RebindIfDue();

  const MemberId self_;
  const ShardEnvironment home_;
  StateKeeperHooks hooks_;
  StateHolder holder_;
  StatePeers peers_;
  StateVoter voter_;
  StateProposer proposer_;
  RecoveryVoter recovery_voter_;
  RecoveryDriver recovery_;
  RecoveryService recovery_service_{*this};
  std::set<MemberId> fetching_;
  MonotonicTime met_all_at_{};
  bool draining_ = false;
  bool binding_ = false;  // a binding of this node is under way
  enum class Rebound : uint8_t { kNotTold, kTold, kReady } rebound_ = Rebound::kNotTold;
  TaskScope tasks_;
};

}  // namespace henge
