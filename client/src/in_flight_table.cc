#include "client/src/in_flight_table.h"

#include <algorithm>
#include <utility>

namespace henge::sdk {

uint64_t InFlightTable::Insert(CallPtr call, SteadyTime due, SteadyTime now) {
  if ((size_ + 1) * 2 > places_.size()) Grow();
  while (PlaceOf(next_id_).call != nullptr) ++next_id_;
  uint64_t id = next_id_++;
  PlaceOf(id) = Place{id, due, now, std::move(call)};
  ++size_;
  return id;
}

CallPtr InFlightTable::Take(uint64_t id) {
  Place& place = PlaceOf(id);
  if (place.id != id || place.call == nullptr) return nullptr;
  --size_;
  return std::move(place.call);
}

SteadyTime InFlightTable::TakeDue(SteadyTime now, KeepFn keep, std::vector<CallPtr>* taken, SteadyTime* oldest_sent) {
  SteadyTime next = SteadyTime::max();
  *oldest_sent = SteadyTime::max();
  for (Place& place : places_) {
    if (place.call == nullptr) continue;
    if (place.due <= now) place.due = keep(*place.call);
    if (place.due > now) {
      next = std::min(next, place.due);
      continue;
    }
    *oldest_sent = std::min(*oldest_sent, place.sent);
    taken->push_back(std::move(place.call));
    --size_;
  }
  return next;
}

void InFlightTable::TakeAll(std::vector<CallPtr>* calls) {
  std::vector<Place*> taken;
  for (Place& place : places_) {
    if (place.call != nullptr) taken.push_back(&place);
  }
  std::sort(taken.begin(), taken.end(), [](const Place* a, const Place* b) { return a->id < b->id; });
  for (Place* place : taken) calls->push_back(std::move(place->call));
  size_ = 0;
}

// Ids that differ in their low bits differ in more of them too, so nothing collides.
void InFlightTable::Grow() {
  std::vector<Place> old(places_.size() * 2);
  old.swap(places_);
  for (Place& place : old) {
    if (place.call != nullptr) PlaceOf(place.id) = std::move(place);
  }
}

}  // namespace henge::sdk
