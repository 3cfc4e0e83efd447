// What a load generator drives: a store with asynchronous reads and writes.
//
// Owned by whoever runs the benchmark; outlives every operation started on it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace henge::bench {

struct OpOutcome {
  absl::Status status;
  bool found = true;  // reads: there was a value
};

class BenchTarget {
 public:
  // Runs exactly once for each operation, on any thread, also before the starting call has returned. It may start new
  // operations.
  using Done = std::function<void(OpOutcome)>;

  virtual ~BenchTarget() = default;

  // For reports: "henge", "etcd".
  virtual std::string name() const = 0;

  // `key` and `value` are valid during the call only; `index` is the number that `key` spells. Every operation ends, by
  // a deadline if need be.
  virtual void AsyncGet(uint64_t index, std::string_view key, Done done) = 0;
  virtual void AsyncPut(uint64_t index, std::string_view key, std::string_view value, Done done) = 0;

  // Counters of the target's own, by name, since the last call.
  virtual std::vector<std::pair<std::string, uint64_t>> TakeNotes() { return {}; }
};

}  // namespace henge::bench
