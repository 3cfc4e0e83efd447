// Short ways to say actors, dots and objects in tests.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>

#include "core/model/object.h"
#include "core/model/object_builder.h"

namespace henge {

inline Actor ActorOf(uint64_t store, uint64_t lifetime = 1, uint64_t epoch = 1) {
  return {StoreId(store), Lifetime(lifetime), epoch};
}

inline Dot DotOf(uint64_t store, uint64_t counter) { return {ActorOf(store), counter}; }

inline VersionVector VvOf(std::initializer_list<Dot> dots) {
  VersionVector vv;
  for (const Dot& dot : dots) vv.Raise(dot.actor, dot.counter);
  return vv;
}

inline Sibling ValueOf(const Dot& dot, std::string value) { return {.dot = dot, .value = std::move(value)}; }

// An object that knows `known` and has `siblings`.
inline Object ObjectOf(std::initializer_list<Dot> known, std::initializer_list<Sibling> siblings) {
  Object object;
  for (const Sibling& sibling : siblings) ObjectBuilder::Add(object, sibling);
  ObjectBuilder::Vv(object).Join(VvOf(known));
  return object;
}

}  // namespace henge
