#include "coordinator/get_operation.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/read_edge.h"
#include "coordinator/read_round.h"
#include "coordinator/replies.h"
#include "coordinator/write_round.h"
#include "core/model/context.h"

namespace henge {
namespace {

bool HoldsExpired(const Object& object, int64_t now_ms) {
  return std::any_of(object.siblings().begin(), object.siblings().end(), [now_ms](const Sibling& sibling) {
    return !sibling.tombstone && sibling.expires_at_ms != 0 && sibling.expires_at_ms <= now_ms;
  });
}

ClientReply GetReply(const CoordinatorCore& core, const CheckedRequest& request, const ReadRound& round) {
  const int64_t now_ms = core.env.clock.WallNow().time_since_epoch().count();
  const VisibleSiblings visible = VisibleAt(round.merged(), now_ms);
  ClientReply reply = MakeReply(
      core, visible.empty() ? absl::NotFoundError("no value under this key") : absl::OkStatus(), Outcome::kApplied);
  if (round.stale() > 0 && HoldsExpired(round.merged(), now_ms)) {
    core.env.tracer.Event(Severity::kDebug, "ExpiredAfterMerge", {{"stale", int64_t{round.stale()}}});
  }
  reply.values.reserve(visible.size());
  for (const Sibling* sibling : visible) reply.values.push_back(sibling->value);
  reply.siblings = static_cast<uint32_t>(visible.size());
  reply.context = SealContext(ReadContext(round.merged()), core.ring->cluster(), request.key.bucket, request.key.key);
  return reply;
}

void AddFacts(const CheckedRequest& request, const ReadRound& round, ClientReply* reply) {
  reply->facts.needed = static_cast<uint32_t>(request.quorum);
  reply->facts.answered = static_cast<uint32_t>(round.answered());
  reply->facts.fallbacks = static_cast<uint32_t>(round.answered_by_hints());
}

}  // namespace

Task<ClientReply> RunGet(CorePtr core, CheckedRequest request) {
  const ReadPlan plan{.needed = request.quorum, .strict = request.strict, .as_fallback = request.as_fallback};
  std::shared_ptr<ReadRound> round = ReadRound::Start(core, request.key, plan, request.deadline);
  const Verdict verdict = co_await round->done();
  if (verdict != Verdict::kMet) {
    ClientReply failed =
        MakeReply(*core, QuorumError(verdict == Verdict::kPending, round->Describe()), Outcome::kNotApplied);
    AddFacts(request, *round, &failed);
    co_return failed;
  }
  ClientReply reply = GetReply(*core, request, *round);
  AddFacts(request, *round, &reply);
  reply.facts.stale = static_cast<uint32_t>(round->stale());
  const auto holders = round->Holders();
  // P14: whoever reads R owners later must meet one that holds what is answered now.
  const int holders_needed = request.owners - request.quorum + 1;
  const bool enough = round->merged_bytes().empty() || static_cast<int>(holders.size()) >= holders_needed;
  if (!request.strict || enough) {
    round->Repair();
    co_return reply;
  }
  auto object = std::make_shared<const std::string>(round->merged_bytes());
  core->env.tracer.Event(Severity::kDebug, "StrictReadSpreads",
                         {{"holders", uint64_t{holders.size()}}, {"needed", int64_t{holders_needed}}});
  core->figures.read_repairs += static_cast<uint64_t>(request.owners) - holders.size();
  const WritePlan spread_plan{.needed = holders_needed, .strict = true};
  std::shared_ptr<WriteRound> spread =
      WriteRound::Replicate(core, request.key, std::move(object), holders, spread_plan, request.deadline);
  const WriteEnd end = co_await spread->done();
  if (end.verdict == Verdict::kMet) co_return reply;
  const std::string text =
      absl::StrCat("a strict read must leave what it answers on ", holders_needed, " owners: ", spread->Describe());
  ClientReply failed = MakeReply(*core, absl::UnavailableError(text), Outcome::kNotApplied);
  if (end.verdict == Verdict::kPending) failed.status = absl::DeadlineExceededError(text);
  failed.facts.needed = reply.facts.needed;
  failed.facts.answered = reply.facts.answered;
  failed.facts.stale = reply.facts.stale;
  co_return failed;
}

}  // namespace henge
