#include "coordinator/op_lookup.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/read_edge.h"
#include "coordinator/read_round.h"
#include "coordinator/replies.h"

namespace henge {

Task<absl::StatusOr<Lookup>> LookUp(CorePtr core, CheckedRequest request, LookupQuery query) {
  ReadPlan plan{.needed = request.majority, .strict = request.strict, .as_fallback = request.as_fallback};
  plan.absent_hint_counts = request.as_fallback && !query.for_context;
  std::shared_ptr<ReadRound> round = ReadRound::Start(core, request.key, plan, request.deadline);
  const Verdict verdict = co_await round->done();
  if (verdict != Verdict::kMet) {
    co_return QuorumError(verdict == Verdict::kPending,
                          absl::StrCat("the read before the write failed, nothing was written: ", round->Describe()));
  }
  Lookup lookup;
  lookup.context = ReadContext(round->merged());
  const Sibling* sibling = round->merged().FindOp(query.op_id);
  if (sibling == nullptr) co_return lookup;
  if (sibling->request_hash != query.request_hash) co_return OpIdReuseError();
  const int64_t now_ms = core->env.clock.WallNow().time_since_epoch().count();
  FoundOp found;
  found.object = std::make_shared<const std::string>(round->merged_bytes());
  found.holders = round->Holders();
  found.siblings_live = static_cast<uint32_t>(VisibleAt(round->merged(), now_ms).size());
  found.next_context = WriteContext(round->merged(), request.context, sibling->dot);
  lookup.found = std::move(found);
  co_return lookup;
}

}  // namespace henge
