// The calls in flight on one stream, by request id.
//
// Ids count up; an id's place is its low bits, so a look-up is one array access, and the ids stay short on the wire.
// Not thread-safe: the connection's lock guards it. Invariant: at most half of the places are taken.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "client/src/call.h"
#include "client/src/steady_time.h"

namespace henge::sdk {

class InFlightTable {
 public:
  InFlightTable() : places_(kPlacesMin) {}

  // Takes `call`, and gives it an id; ids are not zero.
  uint64_t Insert(CallPtr call, SteadyTime deadline, SteadyTime now);
  // The call of `id`, or null if there is none (any more).
  CallPtr Take(uint64_t id);
  // Moves all calls whose deadline is not after `now` to `expired`. Returns the earliest deadline that is left, or
  // SteadyTime::max(); `oldest_sent` becomes when the oldest of the expired was sent.
  SteadyTime TakeExpired(SteadyTime now, std::vector<CallPtr>* expired, SteadyTime* oldest_sent);
  // All calls, in the order of their ids.
  void TakeAll(std::vector<CallPtr>* calls);

  size_t size() const { return size_; }

 private:
  static constexpr size_t kPlacesMin = 64;

  struct Place {
    uint64_t id = 0;
    SteadyTime deadline;
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
