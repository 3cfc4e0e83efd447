// Several keepers of one cluster's state on one loop, over stores in memory and a network that the test cuts.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/model/bucket_changes.h"
#include "node/state/state_keeper.h"
#include "tests/unit/coordinator/fakes.h"
#include "tests/unit/node/fake_store_engine.h"

namespace henge::state_test {

class StateRig {
 public:
  explicit StateRig(int members);
  ~StateRig();

  // Starts member `i` (from 1) on its store; Wipe gives it an empty one of another id first.
  // One that is not begun answers, and does nothing by itself.
  void Start(int i, bool begin = true);
  void StartAll();
  void Stop(int i);
  void Wipe(int i);
  // Member `i` neither reaches nor is reached.
  void Cut(int i) { cut_.insert(i); }
  void Mend(int i) { cut_.erase(i); }

  void Pass(Duration time) { loop_.Pass(time); }
  // Begins a change at member `i`; its result is there when it has come.
  std::shared_ptr<std::optional<absl::StatusOr<StateVersion>>> Propose(int i, StateChange change,
                                                                       Duration budget = std::chrono::seconds(5));
  // The same, and waits for it.
  absl::StatusOr<StateVersion> Change(int i, StateChange change, Duration budget = std::chrono::seconds(5));
  // What member `i` answers to a call of member `from`.
  absl::StatusOr<StateAnswer> Ask(int i, int from, const StateCall& call);
  absl::Status AskBytes(int i, int from, std::string body);
  // The same of a call about a recovery.
  absl::StatusOr<SurvivorAnswer> AskRecovery(int i, int from, const StateCall& call);

  StateKeeper& keeper(int i) { return *nodes_[i]->keeper; }
  const ClusterState& state(int i) { return keeper(i).ring()->state(); }
  node_test::FakeStoreEngine& engine(int i) { return *engines_[i]; }
  const ClusterState& initial() const { return initial_; }
  coordinator_test::RecordingTracer& tracer() { return tracer_; }

  // `cluster recover` at member `i`: begins it, or does it and waits for its end.
  using Recovered = std::shared_ptr<std::optional<absl::StatusOr<RecoverResult>>>;
  Recovered BeginRecover(int i, bool force, std::vector<std::string> survivors = {},
                         Duration budget = std::chrono::seconds(5));
  absl::StatusOr<RecoverResult> Recover(int i, bool force, std::vector<std::string> survivors = {},
                                        Duration budget = std::chrono::seconds(5));
  // Which calls are lost.
  std::function<bool(int from, int to, ControlKind kind, const StateCall& call)> lose;
  std::set<int> to_restart;                        // whose store holds the state of a recovered cluster
  std::map<int, std::string> given_up;             // and by what they were told
  std::map<int, std::vector<PartitionId>> gained;  // what each was told to note as recovering
  bool note_gained = true;                         // whether that becomes durable

  // How a member is told that it has lost its disk; without, it is ready at once.
  std::function<void(Closure ready)> on_rebound;

 private:
  class Net;
  struct Node {
    std::unique_ptr<Transport> net;
    std::unique_ptr<StateKeeper> keeper;
  };

  coordinator_test::ManualClock clock_;
  coordinator_test::ManualLoop loop_{clock_};
  coordinator_test::CountingRandom random_{5};
  coordinator_test::RecordingTracer tracer_;
  ClusterState initial_;
  uint64_t next_store_ = 100;
  std::set<int> cut_;
  std::map<int, std::unique_ptr<node_test::FakeStoreEngine>> engines_;
  std::map<int, std::unique_ptr<Node>> nodes_;
};

StateChange Create(const std::string& bucket);

}  // namespace henge::state_test
