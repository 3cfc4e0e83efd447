#include "node/merge_marks.h"

#include <algorithm>
#include <vector>

namespace henge {
namespace {

bool Has(const std::vector<Sibling>& siblings, const Dot& dot) {
  return std::any_of(siblings.begin(), siblings.end(), [&dot](const Sibling& s) { return s.dot == dot; });
}

bool IsDeleted(const Object& object) {
  return !object.empty() &&
         std::all_of(object.siblings().begin(), object.siblings().end(), [](const Sibling& s) { return s.tombstone; });
}

// Whether `incoming` has a value that `base` has known, and replaced.
bool BringsBack(const Object& base, const Object& incoming) {
  return std::any_of(incoming.siblings().begin(), incoming.siblings().end(), [&base](const Sibling& s) {
    return !s.tombstone && base.vv().Covers(s.dot) && !Has(base.siblings(), s.dot);
  });
}

bool BringsExpired(const Object& base, const Object& incoming, int64_t now_ms) {
  return std::any_of(incoming.siblings().begin(), incoming.siblings().end(), [&](const Sibling& s) {
    const bool expired = !s.tombstone && s.expires_at_ms != 0 && s.expires_at_ms <= now_ms;
    return expired && !Has(base.siblings(), s.dot);
  });
}

void MarkDeletes(Tracer& tracer, MergeCause cause, const Object& base, const Object& incoming) {
  const bool comes_back = IsDeleted(base) && BringsBack(base, incoming);
  if (cause == MergeCause::kExchange) {
    if (!comes_back && !(IsDeleted(incoming) && BringsBack(incoming, base))) return;
    tracer.Event(Severity::kDebug, "DeleteMetByExchange", {});
  } else if (comes_back) {
    tracer.Event(Severity::kDebug, cause == MergeCause::kHint ? "DeletedValueByHint" : "DeletedValueByRepair", {});
  }
}

}  // namespace

void MarkMerge(Tracer& tracer, MergeSituation situation, const Object& base, const Object& incoming) {
  if (situation.cause == MergeCause::kWrite || !tracer.Enabled(Severity::kDebug)) return;
  MarkDeletes(tracer, situation.cause, base, incoming);
  if (BringsExpired(base, incoming, situation.now_ms)) tracer.Event(Severity::kDebug, "ExpiredValueMerged", {});
  if (situation.cause == MergeCause::kReadRepair && !RecordIncludes(situation.conflict, incoming, base)) {
    tracer.Event(Severity::kDebug, "RepairMetNewerRecord", {});
  }
  if (base.siblings() == incoming.siblings() && base.vv() != incoming.vv()) {
    tracer.Event(Severity::kDebug, "ContextOnlyDifference", {});
  }
}

}  // namespace henge
