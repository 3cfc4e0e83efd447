// The newest decided cluster state of this node: takes later ones, makes them durable, and only then goes by them.
//
// Owned by the StateKeeper; control loop only. A state that was adopted is never given up for an older one, over
// restarts neither.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/model/ring.h"
#include "core/model/state_message.h"
#include "core/runtime/executor.h"
#include "core/runtime/tracer.h"
#include "storage/store_engine.h"

namespace henge {

class StateHolder {
 public:
  // `adopted` runs for each new state, with the one before it, once it is durable.
  using Adopted = absl::AnyInvocable<void(const RingPtr& before, const RingPtr& now)>;
  StateHolder(MemberId self, StoreEngine& engine, Executor& loop, Tracer& tracer, RingPtr start, Adopted adopted);

  const RingPtr& ring() const { return ring_; }
  // The newest state's canonical bytes.
  const std::string& encoded() const { return encoded_; }
  // Who this node is in every message.
  StateSender Sender() const;
  StoreId store() const { return engine_.store_id(); }

  // The state that `bytes` encode; DATA_LOSS or INVALID_ARGUMENT if they encode none. Costs little for bytes that it
  // was asked for last: what is voted on is what is learned next.
  absl::StatusOr<RingPtr> Parse(const std::string& bytes);

  // Takes a decided state; `done` runs once this node goes by it or by a later one. An error if the bytes are no state
  // of this cluster, contradict what is known, don't list this member, or can't be stored.
  using Done = absl::AnyInvocable<void(absl::Status)>;
  void Learn(std::string bytes, Done done);

  // Writes the state of the cluster that takes this one's place (P32), for the next start. This process goes on by the
  // old one and learns nothing more, so that nothing is written over it.
  void TakeOver(std::string bytes, Done done);

  // Whether a member that goes by `version` with `digest` contradicts this node: two states of one version. Raises the
  // alarm, and from then on contradicted() (P30).
  bool Contradicts(MemberId peer, StateVersion version, uint64_t digest);
  bool contradicted() const { return contradicted_; }

 private:
  struct Waiting {
    StateVersion version;
    Done done;
  };

  void OnWritten(RingPtr ring, std::string bytes, const absl::Status& status);
  void Alarm(MemberId peer, StateVersion version);

  const MemberId self_;
  StoreEngine& engine_;
  Executor& loop_;
  Tracer& tracer_;
  RingPtr ring_;
  std::string encoded_;
  std::string parsed_bytes_;  // that Parse was asked for last
  RingPtr parsed_;
  RingPtr writing_;  // the newest that was handed to the store; never older than ring_
  bool contradicted_ = false;
  bool taken_over_ = false;
  Adopted adopted_;
  std::vector<Waiting> waiting_;
  std::shared_ptr<bool> alive_;
};

}  // namespace henge
