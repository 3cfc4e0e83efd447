// The calls in flight on one stream, by request id.
//
// Ids count up; an id's place is its low bits, so a look-up is one array access, and the ids stay short on the wire.
// Not thread-safe: the connection's lock guards it. Invariant: at most half of the places are taken.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "client/src/call.h"
#include "client/src/steady_time.h"

namespace henge::sdk {

class InFlightTable {
 public:
  InFlightTable() : places_(kPlacesMin) {}

  // Takes `call`, and gives it an id; ids are not zero.
  uint64_t Insert(CallPtr call, SteadyTime due, SteadyTime now);
  // The call of `id`, or null if there is none (any more).
  CallPtr Take(uint64_t id);
  // When a call that is due is to be looked at again; not after now: it is taken.
  using KeepFn = absl::FunctionRef<SteadyTime(const Call&)>;
  // Moves the calls that are due by `now`, and not kept, to `taken`. Returns when the next one is due, or
  // SteadyTime::max(); `oldest_sent` becomes when the oldest of the taken was sent.
  SteadyTime TakeDue(SteadyTime now, KeepFn keep, std::vector<CallPtr>* taken, SteadyTime* oldest_sent);
  // All calls, in the order of their ids.
  void TakeAll(std::vector<CallPtr>* calls);

  size_t size() const { return size_; }

 private:
  static constexpr size_t kPlacesMin = 64;

  struct Place {
    uint64_t id = 0;
    SteadyTime due;
    SteadyTime sent;
    CallPtr call;
  };

  Place& PlaceOf(uint64_t id) { return places_[id & (places_.size() - 1)]; }
  void Grow();

  std::vector<Place> places_;  // a power of two of them
  uint64_t next_id_ = 1;
  size_t size_ = 0;
};

}  // namespace henge::sdk
