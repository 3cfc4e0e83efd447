// The other keepers of the cluster state, as this node's keeper reaches them.
//
// Owned by the StateKeeper; control loop only.
#pragma once

#include <map>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "core/model/state_message.h"
#include "core/runtime/clock.h"
#include "core/runtime/transport.h"
#include "node/state/state_holder.h"

namespace henge {

class StatePeers {
 public:
  StatePeers(StateHolder& holder, const Clock& clock, Transport& transport);

  // Sends `call`; one that names no sender's state goes by this node's newest. A newer state in the answer is learned
  // before `done` runs; an answer of another cluster or of a contradicting state is FAILED_PRECONDITION. `done` runs
  // once, within `patience` or a timer's grain later.
  using Done = absl::AnyInvocable<void(absl::StatusOr<StateAnswer>)>;
  void Ask(MemberId to, StateCall call, Duration patience, Done done);

  // The store that `member` answered from last; none = it hasn't answered in this process's life.
  StoreId StoreOf(MemberId member) const;

 private:
  void OnAnswer(MemberId from, StateAnswer answer, Done done);

  StateHolder& holder_;
  const Clock& clock_;
  Transport& transport_;
  std::map<MemberId, StoreId> stores_;
  std::shared_ptr<bool> alive_;
};

}  // namespace henge
