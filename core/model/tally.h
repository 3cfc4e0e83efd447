// The two quorum decisions, as pure values: feed in what each replica said, obey the verdict.
//
// A node counts once, however often it answers (P10). An answer that comes after the node was given up counts, and
// takes the failure back. Three-valued: a quorum that is pending is not a failure.
#pragma once

#include <cstdint>

#include "absl/container/inlined_vector.h"
#include "core/model/ids.h"

namespace henge {

enum class Verdict : uint8_t {
  kPending,     // neither met nor out of reach
  kMet,         // the quorum is there
  kImpossible,  // too many failures: it can't be met any more
};

// Counts durable copies of one write (P10).
class WriteTally {
 public:
  enum class Role : uint8_t { kOwner, kFallback };

  // `needed` durable copies among the `candidates` that may still be asked.
  WriteTally(int needed, int candidates) : needed_(needed), candidates_(candidates) {}

  void AddDurable(MemberId node, Role role);
  void AddFailure(MemberId node);
  // So many more nodes may be asked.
  void AddCandidates(int count) { candidates_ += count; }

  Verdict verdict() const;
  int primaries() const { return primaries_; }
  int fallbacks() const { return fallbacks_; }
  int durable() const { return primaries_ + fallbacks_; }
  int needed() const { return needed_; }

 private:
  int needed_;
  int candidates_;
  int primaries_ = 0;
  int fallbacks_ = 0;
  absl::InlinedVector<MemberId, 4> acked_;
  absl::InlinedVector<MemberId, 4> failed_;
};

// Counts answers to one read. An owner's "absent" is an answer; a non-owner's is not, and without any owner's answer a
// read is never met (P14).
class ReadTally {
 public:
  ReadTally(int needed, int candidates) : needed_(needed), candidates_(candidates) {}

  void AddAnswer(MemberId node, bool is_owner, bool found);
  void AddFailure(MemberId node);
  // So many more nodes may be asked.
  void AddCandidates(int count) { candidates_ += count; }

  Verdict verdict() const;
  int answers() const { return answers_; }
  int owner_answers() const { return owner_answers_; }
  int needed() const { return needed_; }

 private:
  int needed_;
  int candidates_;
  int answers_ = 0;
  int owner_answers_ = 0;
  absl::InlinedVector<MemberId, 4> answered_;
  absl::InlinedVector<MemberId, 4> failed_;
};

}  // namespace henge
