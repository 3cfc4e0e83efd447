#include "core/model/object.h"

#include <algorithm>
#include <span>
#include <type_traits>
#include <utility>

#include "core/model/object_builder.h"

namespace henge {
namespace {

// Answers Covers() for dots asked in ascending order in one pass over the vector.
class CoverCursor {
 public:
  explicit CoverCursor(const VersionVector& vv) : at_(vv.entries().begin()), end_(vv.entries().end()) {}

  bool Covers(const Dot& dot) {
    while (at_ != end_ && at_->actor < dot.actor) ++at_;
    return at_ != end_ && at_->actor == dot.actor && at_->counter >= dot.counter;
  }

 private:
  std::span<const VersionVector::Entry>::iterator at_;
  std::span<const VersionVector::Entry>::iterator end_;
};

using Siblings = std::vector<Sibling>;

}  // namespace

bool Object::Includes(const Object& other) const {
  if (!vv_.Covers(other.vv_)) return false;
  // Every sibling of `other` must be here, or be superseded by what this knows.
  auto mine = siblings_.begin();
  for (const Sibling& sibling : other.siblings_) {
    while (mine != siblings_.end() && mine->dot < sibling.dot) ++mine;
    auto same_dot = mine;
    while (same_dot != siblings_.end() && same_dot->dot == sibling.dot && *same_dot < sibling) ++same_dot;
    const bool has_dot = mine != siblings_.end() && mine->dot == sibling.dot;
    const bool has_payload = same_dot != siblings_.end() && *same_dot == sibling;
    if (has_dot && !has_payload) return false;
  }
  // And no sibling of this may be superseded by what `other` knows.
  CoverCursor covered(other.vv_);
  auto theirs = other.siblings_.begin();
  for (const Sibling& sibling : siblings_) {
    while (theirs != other.siblings_.end() && theirs->dot < sibling.dot) ++theirs;
    const bool theirs_too = theirs != other.siblings_.end() && theirs->dot == sibling.dot;
    if (!theirs_too && covered.Covers(sibling.dot)) return false;
  }
  return true;
}

// One pass over both sorted lists. Whether a dot is present is decided by the dot alone; under a dot that both have,
// the payloads are united (P1).
template <class Source>
void Object::MergeSiblings(Source&& other, const VersionVector& other_vv) {
  auto take = [](auto& sibling) -> decltype(auto) {
    if constexpr (std::is_const_v<std::remove_reference_t<Source>> || std::is_lvalue_reference_v<Source>) {
      return std::as_const(sibling);
    } else {
      return std::move(sibling);
    }
  };
  Siblings merged;
  merged.reserve(siblings_.size() + other.size());
  CoverCursor covered_by_this(vv_);
  CoverCursor covered_by_other(other_vv);
  auto mine = siblings_.begin();
  auto theirs = other.begin();
  const auto mine_end = siblings_.end();
  const auto theirs_end = other.end();
  while (mine != mine_end || theirs != theirs_end) {
    if (theirs == theirs_end || (mine != mine_end && mine->dot < theirs->dot)) {
      if (!covered_by_other.Covers(mine->dot)) merged.push_back(std::move(*mine));
      ++mine;
    } else if (mine == mine_end || theirs->dot < mine->dot) {
      if (!covered_by_this.Covers(theirs->dot)) merged.push_back(take(*theirs));
      ++theirs;
    } else {
      const Dot dot = mine->dot;
      while (mine != mine_end && mine->dot == dot && theirs != theirs_end && theirs->dot == dot) {
        const auto order = *mine <=> *theirs;
        if (order <= 0) {
          merged.push_back(std::move(*mine++));
          if (order == 0) ++theirs;
        } else {
          merged.push_back(take(*theirs++));
        }
      }
      for (; mine != mine_end && mine->dot == dot; ++mine) merged.push_back(std::move(*mine));
      for (; theirs != theirs_end && theirs->dot == dot; ++theirs) merged.push_back(take(*theirs));
    }
  }
  siblings_ = std::move(merged);
}

bool Object::Merge(const Object& other) {
  if (Includes(other)) return false;
  if (vv_.empty()) {
    *this = other;
    return true;
  }
  MergeSiblings(other.siblings_, other.vv_);
  vv_.Join(other.vv_);
  return true;
}

bool Object::Merge(Object&& other) {
  if (Includes(other)) return false;
  if (vv_.empty()) {
    *this = std::move(other);
    return true;
  }
  MergeSiblings(std::move(other.siblings_), other.vv_);
  vv_.Join(other.vv_);
  return true;
}

bool Object::HasDotCollision() const {
  return std::adjacent_find(siblings_.begin(), siblings_.end(),
                            [](const Sibling& a, const Sibling& b) { return a.dot == b.dot; }) != siblings_.end();
}

bool Object::HasLiveValue(int64_t now_ms) const {
  return std::any_of(siblings_.begin(), siblings_.end(), [now_ms](const Sibling& s) {
    return !s.tombstone && (s.expires_at_ms == 0 || s.expires_at_ms > now_ms);
  });
}

const Sibling* Object::FindOp(const OpId& op_id) const {
  if (op_id.IsNone()) return nullptr;
  auto it = std::find_if(siblings_.begin(), siblings_.end(), [&](const Sibling& s) { return s.op_id == op_id; });
  return it == siblings_.end() ? nullptr : &*it;
}

uint64_t Object::MaxHlc() const {
  uint64_t max = 0;
  for (const Sibling& sibling : siblings_) max = std::max(max, sibling.hlc);
  return max;
}

void ObjectBuilder::Add(Object& object, Sibling sibling) {
  object.vv_.Raise(sibling.dot.actor, sibling.dot.counter);
  auto it = std::lower_bound(object.siblings_.begin(), object.siblings_.end(), sibling);
  if (it != object.siblings_.end() && *it == sibling) return;
  object.siblings_.insert(it, std::move(sibling));
}

void ObjectBuilder::Supersede(Object& object, const VersionVector& vv) {
  if (vv.empty()) return;
  CoverCursor covered(vv);
  std::erase_if(object.siblings_, [&covered](const Sibling& sibling) { return covered.Covers(sibling.dot); });
  object.vv_.Join(vv);
}

}  // namespace henge
