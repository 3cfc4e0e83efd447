// One call of a user: what it asks, and how far it has got. The only allocation of the asynchronous path.
//
// Owned by exactly one place at a time: the connection that it is in flight on, a timer that waits to try it again, or
// the code that moves it from one to the other.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "client/src/steady_time.h"
#include "core/model/ids.h"
#include "henge/client.h"

namespace henge::sdk {

using ReadDone = std::function<void(absl::StatusOr<ReadResult>)>;
using WriteDone = std::function<void(WriteResult)>;

struct Call {
  enum class Op : uint8_t { kGet, kPut, kDelete };

  Op op = Op::kGet;
  std::string key;
  std::string value;
  std::string context;
  std::string bucket;
  Quorum quorum;
  int64_t expires_at_ms = 0;
  OpId op_id;

  SteadyTime started;
  SteadyTime deadline;
  int attempts = 0;            // sent, or not sent for want of a connection
  bool maybe_applied = false;  // an attempt ended in doubt: the next are flagged as retries (P8)
  absl::Status last_error;     // of the last attempt

  // Whom the last attempts went to, to be compared only; the next one prefers others.
  std::array<const void*, 4> tried{};

  ReadDone read_done;    // kGet
  WriteDone write_done;  // others

  bool is_mutation() const { return op != Op::kGet; }
  size_t bytes() const { return key.size() + value.size() + context.size(); }
};

using CallPtr = std::unique_ptr<Call>;

}  // namespace henge::sdk
