// Dots and the actors that mint them.
//
// A dot names one write for ever; it is never used again (P3, P4). Source: Preguica et al., "Dotted Version Vectors",
// 2010; the epoch inside an actor is the answer to a replica that lost its copy of one key.
#pragma once

#include <compare>
#include <cstdint>
#include <utility>

#include "core/model/ids.h"

namespace henge {

// Who mints: a store, in one run of one shard, within one epoch of one key. Epochs count from 1.
struct Actor {
  StoreId store;
  Lifetime lifetime;
  uint64_t epoch = 0;

  constexpr auto operator<=>(const Actor&) const = default;

  template <class H>
  friend H AbslHashValue(H h, const Actor& a) {
    return H::combine(std::move(h), a.store, a.lifetime, a.epoch);
  }
};

// One write: the counter-th of its actor for its key. Counters count from 1.
struct Dot {
  Actor actor;
  uint64_t counter = 0;

  constexpr auto operator<=>(const Dot&) const = default;

  template <class H>
  friend H AbslHashValue(H h, const Dot& d) {
    return H::combine(std::move(h), d.actor, d.counter);
  }
};

}  // namespace henge
