#include "core/model/tally.h"

#include <algorithm>

namespace henge {
namespace {

using Nodes = absl::InlinedVector<MemberId, 4>;

bool Has(const Nodes& nodes, MemberId node) { return std::find(nodes.begin(), nodes.end(), node) != nodes.end(); }

// Notes that `node` is settled; false if it was before.
bool Settle(MemberId node, Nodes* settled, Nodes* failed) {
  if (Has(*settled, node)) return false;
  settled->push_back(node);
  failed->erase(std::remove(failed->begin(), failed->end(), node), failed->end());
  return true;
}

void Fail(MemberId node, const Nodes& settled, Nodes* failed) {
  if (!Has(settled, node) && !Has(*failed, node)) failed->push_back(node);
}

}  // namespace

void WriteTally::AddDurable(MemberId node, Role role) {
  if (!Settle(node, &acked_, &failed_)) return;
  ++(role == Role::kOwner ? primaries_ : fallbacks_);
}

void WriteTally::AddFailure(MemberId node) { Fail(node, acked_, &failed_); }

Verdict WriteTally::verdict() const {
  if (durable() >= needed_) return Verdict::kMet;
  const int in_reach = candidates_ - static_cast<int>(failed_.size());
  return in_reach < needed_ ? Verdict::kImpossible : Verdict::kPending;
}

void ReadTally::AddAnswer(MemberId node, bool is_owner, bool found) {
  if (!is_owner && !found) {
    AddFailure(node);
    return;
  }
  if (!Settle(node, &answered_, &failed_)) return;
  ++answers_;
  if (is_owner) ++owner_answers_;
}

void ReadTally::AddFailure(MemberId node) { Fail(node, answered_, &failed_); }

Verdict ReadTally::verdict() const {
  if (answers_ >= needed_ && owner_answers_ > 0) return Verdict::kMet;
  const int in_reach = candidates_ - static_cast<int>(failed_.size());
  const bool nobody_left = in_reach <= answers_;
  return in_reach < needed_ || nobody_left ? Verdict::kImpossible : Verdict::kPending;
}

}  // namespace henge
