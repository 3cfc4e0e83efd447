// One fault on a real cluster under load: five nodes, every link through a proxy, and what the clients saw of it.
//
// The load runs for a while without a fault, through the fault, and a little beyond its end; then the cluster has to
// come together, every key is read through every node, and the run is judged. Clients reach all nodes all the time:
// only the links between nodes are cut. So each side of a cut serves whoever asks it, and what it can't serve the SDK
// has to bring to another one.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tests/chaos/chaos_load.h"
#include "tests/chaos/second_recorder.h"

namespace henge::chaos {

enum class Fault : uint8_t {
  kKill,     // SIGKILL; started again at the end
  kPause,    // SIGSTOP, then SIGCONT: its connections stand, and nobody answers
  kIsolate,  // one node reaches no other one
  kSplit,    // two nodes, three nodes
  kPartial,  // two nodes don't reach each other, both reach the others
  kOneWay,   // what one node sends to another one is lost, and comes the other way
};
std::string_view NameOf(Fault fault);
std::optional<Fault> FaultNamed(std::string_view name);
std::vector<Fault> AllFaults();

struct FaultRunOptions {
  Fault fault = Fault::kKill;
  std::chrono::seconds warm_up{3};  // under load, not counted
  std::chrono::seconds before{20};
  std::chrono::seconds during{30};
  std::chrono::seconds after{10};  // of the load; less than `convergence`
  // From the fault on, when the clients may expect their usual throughput again. Gossip takes five seconds and more to
  // hold a node dead, but requests find out sooner.
  std::chrono::seconds detection{3};
  std::chrono::seconds convergence{30};  // from the heal on
  int keys = 4096;
  ChaosLoadOptions load;
  std::vector<std::string> node_flags;
};

struct FaultReport {
  Fault fault = Fault::kKill;
  int fault_at = 0, heal_at = 0, load_until = 0;  // seconds
  std::vector<SecondRow> rows;
  std::vector<FailedCall> failures;
  uint64_t acked = 0;    // writes
  uint64_t unknown = 0;  // writes whose outcome nobody told
  double ops_before = 0;
  // Between detection and heal; 0 if the fault was too short for that.
  double ops_detected = 0;
  uint64_t ops_detected_min = 0;  // the worst second
  double p99_before_ms = 0;       // medians of the seconds
  double p99_detected_ms = 0;
  double max_detected_ms = 0;
  uint64_t hints_stored = 0;  // by all nodes
  double converged_s = 0;     // after the heal
  absl::Status convergence;
  sim::Violations violations;

  uint64_t failed_writes() const;
  uint64_t failed_reads() const;
  double ratio() const { return ops_before > 0 ? ops_detected / ops_before : 0; }
  // Acked writes are all there, no sloppy write failed, and all came together in time.
  bool safe() const { return violations.empty() && failed_writes() == 0 && convergence.ok(); }
  // At least 80 % of the throughput, after detection.
  bool flat() const { return ratio() >= 0.8; }
};

// An error: the run could not be made.
absl::StatusOr<FaultReport> RunFault(const FaultRunOptions& options);

}  // namespace henge::chaos
