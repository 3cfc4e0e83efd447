#include "core/model/conflict.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/model/object_builder.h"

namespace henge {
namespace {

// (stamp, actor, counter) as P9 says; the payload only decides after a dot collision, so that the order stays total.
bool WrittenBefore(const Sibling& a, const Sibling& b) {
  if (a.hlc != b.hlc) return a.hlc < b.hlc;
  return a < b;
}

// The version vector discards nothing here: it may cover the very version that must win.
bool MergeLastWriter(Object* into, Object from) {
  if (RecordIncludes(ConflictPolicy::kLastWriterWins, *into, from)) return false;
  std::vector<Sibling>& siblings = ObjectBuilder::Siblings(*into);
  for (Sibling& sibling : ObjectBuilder::Siblings(from)) siblings.push_back(std::move(sibling));
  ObjectBuilder::Vv(*into).Join(from.vv());
  Resolve(ConflictPolicy::kLastWriterWins, into);
  return true;
}

}  // namespace

bool Resolve(ConflictPolicy policy, Object* object) {
  if (policy == ConflictPolicy::kSiblings) return false;
  std::vector<Sibling>& siblings = ObjectBuilder::Siblings(*object);
  if (siblings.size() <= 1) return false;
  auto last = std::max_element(siblings.begin(), siblings.end(), WrittenBefore);
  std::iter_swap(siblings.begin(), last);
  siblings.resize(1);
  return true;
}

bool RecordIncludes(ConflictPolicy policy, const Object& object, const Object& other) {
  if (policy == ConflictPolicy::kSiblings) return object.Includes(other);
  if (object.siblings().size() > 1 || !object.vv().Covers(other.vv())) return false;
  if (object.siblings().empty()) return other.siblings().empty();
  const Sibling& kept = object.siblings()[0];
  return std::none_of(other.siblings().begin(), other.siblings().end(),
                      [&kept](const Sibling& sibling) { return WrittenBefore(kept, sibling); });
}

bool MergeRecord(ConflictPolicy policy, Object* into, Object from) {
  if (policy == ConflictPolicy::kSiblings) return into->Merge(std::move(from));
  return MergeLastWriter(into, std::move(from));
}

bool DotsCollide(const Object& a, const Object& b) {
  for (const Sibling& mine : a.siblings()) {
    for (const Sibling& theirs : b.siblings()) {
      if (mine.dot == theirs.dot && mine != theirs) return true;
    }
  }
  return false;
}

}  // namespace henge
