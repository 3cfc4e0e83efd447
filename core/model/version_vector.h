// A version vector: for each actor, how many of its writes are known. The causal past of a record.
//
// A value type. Invariant: entries are sorted by actor, no counter is zero, no actor stands twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/container/inlined_vector.h"
#include "core/model/dot.h"

namespace henge {

class VersionVector {
 public:
  struct Entry {
    Actor actor;
    uint64_t counter = 0;
    constexpr auto operator<=>(const Entry&) const = default;
  };

  VersionVector() = default;

  // The highest counter known of `actor`; 0 if none.
  uint64_t Get(const Actor& actor) const;

  bool Covers(const Dot& dot) const { return Get(dot.actor) >= dot.counter; }
  // Whether every entry of `other` is covered.
  bool Covers(const VersionVector& other) const;

  // Raises the entry of `actor` to at least `counter` (no-op for counter 0).
  void Raise(const Actor& actor, uint64_t counter);
  // Pointwise maximum, in place.
  void Join(const VersionVector& other);

  void Reserve(size_t size) { entries_.reserve(size); }

  std::span<const Entry> entries() const { return entries_; }
  size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }

  bool operator==(const VersionVector&) const = default;

 private:
  absl::InlinedVector<Entry, 2> entries_;
};

}  // namespace henge
