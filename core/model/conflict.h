// What a bucket does with concurrent versions, and the one Merge that obeys it.
//
// Pure. Whoever merges two records of one key takes the policy of the key's bucket (Ring::ConflictOf) and calls
// MergeRecord or RecordIncludes: a record of an lww bucket that went through the other Merge could lose its last
// version (P9).
#pragma once

#include <cstdint>

#include "core/model/object.h"

namespace henge {

// Chosen when a bucket is made, and never changed (P34).
enum class ConflictPolicy : uint8_t {
  kSiblings = 0,        // versions that no writer has seen together all stay
  kLastWriterWins = 1,  // the version with the greatest (stamp, dot) stays: named lossy
};

// Joins `from` into `into`; returns whether `into` changed. Under either policy this is commutative, associative,
// idempotent and canonical, and a record with a version never becomes one without (P1, P9).
bool MergeRecord(ConflictPolicy policy, Object* into, Object from);

// Whether MergeRecord(policy, &object, other) would change nothing.
bool RecordIncludes(ConflictPolicy policy, const Object& object, const Object& other);

// Leaves what the policy keeps of the siblings: all, or the greatest by (stamp, dot, payload). The version vector
// stays. Returns whether any went.
bool Resolve(ConflictPolicy policy, Object* object);

// Whether the two records carry one dot with different payloads. Under kSiblings the merge shows that
// (Object::HasDotCollision); under kLastWriterWins only this does.
bool DotsCollide(const Object& a, const Object& b);

}  // namespace henge
