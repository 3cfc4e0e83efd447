// Building an Object field by field: for the mint, and for tests that need a given history.
//
// Everyone else gets objects from Decode, Merge and MintVersion. The builder keeps the invariants of object.h if its
// caller adds siblings by Add(); who takes the fields by reference keeps them himself.
#pragma once

#include <utility>
#include <vector>

#include "core/model/object.h"

namespace henge {

struct ObjectBuilder {
  static VersionVector& Vv(Object& object) { return object.vv_; }
  static std::vector<Sibling>& Siblings(Object& object) { return object.siblings_; }

  // Adds `sibling` where it sorts, unless an equal one is there, and raises the context to cover its dot.
  static void Add(Object& object, Sibling sibling);
  // Joins `vv` into the context, and removes the siblings that it covers: what a put does with its client's context
  // (P2).
  static void Supersede(Object& object, const VersionVector& vv);
};

}  // namespace henge
