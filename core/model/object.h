// An object: every version of one key that is not superseded, with the causal past of all of them.
//
// A value type with one canonical encoding: equal objects have equal bytes, on every machine. Merge is the one way by
// which anything enters a replica. It is commutative, associative and idempotent (P1).
//
// Invariants of every Object that left Decode, Merge or MintVersion:
//   1. the context (version vector) covers every sibling's dot;
//   2. siblings are sorted by (dot, payload); no two are equal;
//   3. two siblings under one dot exist only after a dot collision, which is counted and alarmed, never resolved.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/model/dot.h"
#include "core/model/ids.h"
#include "core/model/version_vector.h"

namespace henge {

// One version. A tombstone is a version whose value is "deleted"; its `value` is empty.
struct Sibling {
  Dot dot;
  bool tombstone = false;
  std::string value;
  int64_t expires_at_ms = 0;  // absolute wall time, milliseconds since the Unix epoch; 0 = never
  uint64_t hlc = 0;           // hybrid logical clock stamp of the mint: (wall milliseconds << 16) | logical
  OpId op_id;                 // the client's identity of the mutation; none for internal ones
  uint64_t request_hash = 0;  // tells a retry of the mutation from a reuse of its op_id for another one

  auto operator<=>(const Sibling&) const = default;
};

class Object {
 public:
  Object() = default;

  // Parses a canonical encoding. DATA_LOSS if the bytes are not one (truncated, unordered, not canonical, uncovered
  // dot).
  static absl::StatusOr<Object> Decode(std::string_view bytes);
  // The canonical encoding (docs/FORMAT.md, "Object").
  std::string Encode() const;
  void EncodeTo(std::string* out) const;
  // The length of Encode(), without making it.
  size_t EncodedSize() const;

  // Joins `other` into this (P1). Returns whether this changed. Records of a key are merged by the policy of its
  // bucket: by MergeRecord (conflict.h), which comes here for buckets that keep siblings.
  bool Merge(const Object& other);
  bool Merge(Object&& other);

  // Whether merging `other` would change nothing.
  bool Includes(const Object& other) const;

  const VersionVector& vv() const { return vv_; }
  const std::vector<Sibling>& siblings() const { return siblings_; }
  bool empty() const { return vv_.empty(); }

  // Whether some dot carries more than one payload: a page-level alarm, it means that a dot was reused.
  bool HasDotCollision() const;
  // Whether any sibling is a value that has not expired at `now_ms`.
  bool HasLiveValue(int64_t now_ms) const;
  // The sibling that mutation `op_id` made, or null.
  const Sibling* FindOp(const OpId& op_id) const;
  // The greatest hybrid clock stamp among the siblings; 0 if none.
  uint64_t MaxHlc() const;

  bool operator==(const Object&) const = default;

 private:
  friend struct ObjectBuilder;  // object_builder.h: mint.cc and tests build objects field by field

  template <class Source>
  void MergeSiblings(Source&& other, const VersionVector& other_vv);

  VersionVector vv_;
  std::vector<Sibling> siblings_;
};

}  // namespace henge
