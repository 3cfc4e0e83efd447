// Reads keys, many at once, and compares what they hold with what they should.
//
// Not thread-safe; the client's threads come in only through its own lock.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/export_line.h"
#include "henge/client.h"

namespace henge::cli {

struct VerifyFigures {
  uint64_t equal = 0;
  uint64_t different = 0;
  uint64_t missing = 0;
  uint64_t failed = 0;        // not read, or no record
  uint64_t bytes = 0;         // of keys and values that are equal
  uint32_t answered_min = 0;  // replicas that took part in the read that had the fewest
  uint64_t behind = 0;        // answers of replicas that lacked something, over all reads

  uint64_t total() const { return equal + different + missing + failed; }
};

class VerifyRun {
 public:
  // `on_complaint(line, what)` runs under the lock: it must be short, and not call back.
  using OnComplaint = std::function<void(uint64_t line, const std::string& what)>;

  VerifyRun(Client client, CallOptions options, size_t in_flight_max, OnComplaint on_complaint);
  ~VerifyRun();
  VerifyRun(const VerifyRun&) = delete;
  VerifyRun& operator=(const VerifyRun&) = delete;

  // Blocks while too many are under way. The key must hold exactly the record's values, in any order.
  void Add(uint64_t line, ImportRecord record);
  // A line that holds no record.
  void AddBad(uint64_t line, const absl::Status& why);
  void Wait();

  VerifyFigures figures() const;

 private:
  void Judge(uint64_t line, ImportRecord& wanted, absl::StatusOr<ReadResult>& read);

  Client client_;
  const CallOptions options_;
  const size_t in_flight_max_;
  const OnComplaint on_complaint_;

  mutable std::mutex mutex_;
  std::condition_variable ended_;
  size_t in_flight_ = 0;
  bool any_read_ = false;
  VerifyFigures figures_;
};

}  // namespace henge::cli
