// Explain: where a key lives, and what each owner holds of it. For people; changes nothing.
//
// Lives on the node's control loop.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "core/model/object.h"
#include "core/model/ring.h"
#include "core/runtime/clock.h"
#include "core/runtime/task_scope.h"
#include "node/replica_caller.h"

namespace henge {

struct ExplainQuery {
  std::string bucket;
  std::string key;
};

// What one owner answered.
struct ExplainedReplica {
  MemberId member;
  std::string name;
  absl::Status status;  // why nothing is known of it
  bool found = false;
  Object object;
  std::optional<Mark> mark;
  uint64_t written_at_ms = 0;
  uint64_t digest = 0;
  uint64_t object_bytes = 0;
};

struct Explanation {
  PartitionId partition;
  uint8_t segment = 0;
  LayoutEpoch epoch;
  StateVersion state_version;
  std::vector<MemberId> owners;
  std::vector<MemberId> fallbacks;
  std::vector<ExplainedReplica> replicas;  // in the order of `owners`
  bool replicas_equal = false;             // all answered, with the same record or none
  std::vector<ExplainedReplica> hints;     // of the fallbacks that keep one for an owner, merged over the owners
};

class Explainer {
 public:
  Explainer(MemberId self, Clock& clock, ReplicaCaller& replicas, RingPtr ring);

  // `done` runs once, on the loop: INVALID_ARGUMENT (key), NOT_FOUND (bucket), else an explanation, whatever failed.
  using Done = absl::AnyInvocable<void(absl::StatusOr<Explanation>)>;
  void Run(ExplainQuery query, Done done);

  // Explanations from now on go by `ring`.
  void UpdateRing(RingPtr ring) { ring_ = std::move(ring); }

 private:
  Task<void> Serve(RecordKey key, Done done);
  // Asks `members` at once, and awaits all answers.
  Task<std::vector<ExplainedReplica>> AskAll(RingPtr ring, std::vector<MemberId> members, RecordKey key,
                                             bool from_hints);

  const MemberId self_;
  Clock& clock_;
  ReplicaCaller& replicas_;
  RingPtr ring_;
  TaskScope tasks_;
};

}  // namespace henge
