#include "core/model/version_vector.h"

#include <algorithm>

namespace henge {
namespace {

// The first entry whose actor is not below `actor`.
template <class Iterator>
Iterator Find(Iterator begin, Iterator end, const Actor& actor) {
  return std::lower_bound(begin, end, actor,
                          [](const VersionVector::Entry& entry, const Actor& a) { return entry.actor < a; });
}

}  // namespace

uint64_t VersionVector::Get(const Actor& actor) const {
  auto it = Find(entries_.begin(), entries_.end(), actor);
  return it != entries_.end() && it->actor == actor ? it->counter : 0;
}

bool VersionVector::Covers(const VersionVector& other) const {
  if (other.size() > size()) return false;
  auto mine = entries_.begin();
  for (const Entry& entry : other.entries_) {
    while (mine != entries_.end() && mine->actor < entry.actor) ++mine;
    if (mine == entries_.end() || mine->actor != entry.actor || mine->counter < entry.counter) return false;
  }
  return true;
}

void VersionVector::Raise(const Actor& actor, uint64_t counter) {
  if (counter == 0) return;
  if (entries_.empty() || entries_.back().actor < actor) {
    entries_.push_back({actor, counter});
    return;
  }
  auto it = Find(entries_.begin(), entries_.end(), actor);
  if (it != entries_.end() && it->actor == actor) {
    it->counter = std::max(it->counter, counter);
  } else {
    entries_.insert(it, {actor, counter});
  }
}

void VersionVector::Join(const VersionVector& other) {
  size_t missing = 0;
  auto mine = entries_.begin();
  for (const Entry& entry : other.entries_) {
    while (mine != entries_.end() && mine->actor < entry.actor) ++mine;
    if (mine != entries_.end() && mine->actor == entry.actor) {
      mine->counter = std::max(mine->counter, entry.counter);
    } else {
      ++missing;
    }
  }
  if (missing == 0) return;
  // Merge from the back, so that every entry moves once and no second vector is needed.
  size_t i = entries_.size();
  entries_.resize(i + missing);
  size_t to = entries_.size();
  for (size_t j = other.entries_.size(); j > 0;) {
    const Entry& theirs = other.entries_[j - 1];
    if (i > 0 && entries_[i - 1].actor >= theirs.actor) {
      if (entries_[i - 1].actor == theirs.actor) --j;
      entries_[--to] = entries_[--i];
    } else {
      entries_[--to] = theirs;
      --j;
    }
  }
}

}  // namespace henge
