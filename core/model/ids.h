// Strong identifiers: two ids of different kinds never mix by accident.
//
// All are plain values, ordered, hashable and cheap to copy. Zero means "none" where a kind has such a value.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <utility>

namespace henge {

template <class Tag, class Rep>
class StrongId {
 public:
  using rep = Rep;

  constexpr StrongId() = default;
  constexpr explicit StrongId(Rep value) : value_(value) {}

  constexpr Rep value() const { return value_; }
  constexpr auto operator<=>(const StrongId&) const = default;

  template <class H>
  friend H AbslHashValue(H h, const StrongId& id) {
    return H::combine(std::move(h), id.value_);
  }

 private:
  Rep value_ = 0;
};

// One of the ring's equal arcs, 0 .. kPartitionCount-1.
using PartitionId = StrongId<struct PartitionIdTag, uint16_t>;
// A member of the cluster, as the cluster state numbers it: 1, 2, ...; never used again after a removal. 0 = none.
using MemberId = StrongId<struct MemberIdTag, uint32_t>;
// A data directory: random, drawn when the store is created, kept inside it.
using StoreId = StrongId<struct StoreIdTag, uint64_t>;
// One run of one shard: random, drawn at every process start (P3).
using Lifetime = StrongId<struct LifetimeTag, uint64_t>;
// A bucket; never used again after a drop (P34).
using BucketId = StrongId<struct BucketIdTag, uint32_t>;
// hash(token, canonical version 1 of the cluster state) (P30), or what the survivors of a lost majority took (P32).
using ClusterId = StrongId<struct ClusterIdTag, uint64_t>;
// The number of a decided cluster state, from 1.
using StateVersion = StrongId<struct StateVersionTag, uint64_t>;
// The state version at which a partition's owners last changed; data requests are fenced by it (P33).
using LayoutEpoch = StrongId<struct LayoutEpochTag, uint64_t>;

// A client-made identity of one mutation; kept with the sibling that the mutation made (P8). All zero = none.
struct OpId {
  uint64_t high = 0;
  uint64_t low = 0;

  constexpr bool IsNone() const { return high == 0 && low == 0; }
  constexpr auto operator<=>(const OpId&) const = default;

  template <class H>
  friend H AbslHashValue(H h, const OpId& id) {
    return H::combine(std::move(h), id.high, id.low);
  }
};

}  // namespace henge
