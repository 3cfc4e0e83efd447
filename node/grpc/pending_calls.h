// The calls of one shard that wait for their answers.
//
// Loop-affine, a plain value of its ShardTransport. A call's id names its shard, its place and that place's generation,
// so that an answer finds its call without a search, and a late one finds nothing.
#pragma once

#include <cstdint>
#include <vector>

#include "core/runtime/transport.h"

namespace henge {

class PendingCalls {
 public:
  // 8 bits of an id name the shard, 24 the place.
  static constexpr int kShardsMax = 256;
  static constexpr size_t kCallsMax = size_t{1} << 24;
  static int ShardOfId(uint64_t id) { return static_cast<int>(id >> 56); }

  struct Call {
    Transport::Callback done;
    MonotonicTime deadline;
    uint64_t stream = 0;  // the connection that it was sent on; 0 = not sent yet
    uint32_t generation = 1;
    uint16_t peer = 0;
    uint8_t kind = 0;  // the alternative of PeerRequest
    bool used = false;
  };

  explicit PendingCalls(int shard) : shard_(static_cast<uint64_t>(shard)) {}

  size_t size() const { return calls_.size() - free_.size(); }

  uint64_t Add(int peer, size_t kind, MonotonicTime deadline, Transport::Callback done) {
    uint32_t place;
    if (free_.empty()) {
      place = static_cast<uint32_t>(calls_.size());
      calls_.emplace_back();
    } else {
      place = free_.back();
      free_.pop_back();
    }
    Call& call = calls_[place];
    call.done = std::move(done);
    call.deadline = deadline;
    call.stream = 0;
    call.peer = static_cast<uint16_t>(peer);
    call.kind = static_cast<uint8_t>(kind);
    call.used = true;
    return shard_ << 56 | uint64_t{call.generation} << 24 | place;
  }

  // Null if it has been taken.
  Call* Find(uint64_t id) {
    const size_t place = id & (kCallsMax - 1);
    if (place >= calls_.size()) return nullptr;
    Call& call = calls_[place];
    return call.used && call.generation == static_cast<uint32_t>(id >> 24) ? &call : nullptr;
  }

  Transport::Callback Take(Call* call) {
    call->used = false;
    ++call->generation;
    free_.push_back(static_cast<uint32_t>(call - calls_.data()));
    return std::move(call->done);
  }

  // In a fixed order; `visit` may take the call that it is given.
  template <class Visit>
  void ForEach(Visit visit) {
    for (Call& call : calls_) {
      if (call.used) visit(call);
    }
  }

  MonotonicTime EarliestDeadline() const {
    MonotonicTime earliest = MonotonicTime::max();
    for (const Call& call : calls_) {
      if (call.used && call.deadline < earliest) earliest = call.deadline;
    }
    return earliest;
  }

 private:
  const uint64_t shard_;
  std::vector<Call> calls_;
  std::vector<uint32_t> free_;
};

}  // namespace henge
