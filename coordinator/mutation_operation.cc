#include "coordinator/mutation_operation.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/op_lookup.h"
#include "coordinator/read_edge.h"
#include "coordinator/replies.h"
#include "coordinator/write_round.h"
#include "core/model/context.h"

namespace henge {
namespace {

// P7: a mint that meets amnesia again and again means that this store is broken for good.
constexpr int kMintsMax = 3;

void AddFacts(const WriteTally& tally, ClientReply* reply) {
  reply->facts.needed = static_cast<uint32_t>(tally.needed());
  reply->facts.primaries = static_cast<uint32_t>(tally.primaries());
  reply->facts.fallbacks = static_cast<uint32_t>(tally.fallbacks());
  reply->facts.durable = static_cast<uint32_t>(tally.durable());
}

ClientReply WriteReply(const CoordinatorCore& core, const WriteRound& round, const WriteEnd& end) {
  ClientReply reply = MakeReply(core, absl::OkStatus(), Outcome::kApplied);
  if (!end.not_minted.ok()) {
    reply.status = end.not_minted;
    reply.outcome = Outcome::kNotApplied;
  } else if (end.verdict != Verdict::kMet) {
    reply.status =
        QuorumError(end.verdict == Verdict::kPending,
                    absl::StrCat(round.Describe(), "; the write may still take effect, retry with its op_id"));
    reply.outcome = Outcome::kUnknown;
  }
  AddFacts(round.tally(), &reply);
  return reply;
}

void SealInto(const CoordinatorCore& core, const RecordKey& key, const std::optional<Context>& context,
              ClientReply* reply) {
  if (context.has_value()) reply->context = SealContext(*context, core.ring->cluster(), key.bucket, key.key);
}

WritePlan PlanOf(const CheckedRequest& checked) {
  return {.needed = checked.quorum, .strict = checked.strict, .as_fallback = checked.as_fallback};
}

// The op_id was found by a read: the record that holds it goes to W owners before the ack (P8).
Task<ClientReply> SpreadFound(CorePtr core, CheckedRequest checked, FoundOp found) {
  ++core->figures.op_id_hits;
  std::shared_ptr<WriteRound> round =
      WriteRound::Replicate(core, checked.key, found.object, found.holders, PlanOf(checked), checked.deadline);
  const WriteEnd end = co_await round->done();
  ClientReply reply = WriteReply(*core, *round, end);
  reply.siblings = found.siblings_live;
  if (reply.status.ok()) SealInto(*core, checked.key, found.next_context, &reply);
  co_return reply;
}

Task<ClientReply> MintAndSpread(CorePtr core, MintCommand command, WritePlan plan) {
  const RecordKey key = command.key;
  const bool blind = command.context.vv.empty() && !command.mutation.tombstone;
  for (int mints = 1;; ++mints) {
    std::shared_ptr<WriteRound> round = WriteRound::Mint(core, std::move(command), plan);
    const WriteEnd end = co_await round->done();
    if (end.amnesia && mints < kMintsMax) {
      absl::StatusOr<MintCommand> again = round->CommandAgain();
      if (!again.ok()) co_return MakeReply(*core, again.status(), Outcome::kUnknown);
      command = *std::move(again);
      continue;
    }
    ClientReply reply = WriteReply(*core, *round, end);
    // A mint before this one may have stayed somewhere.
    if (mints > 1 && reply.outcome == Outcome::kNotApplied) reply.outcome = Outcome::kUnknown;
    if (!end.not_minted.ok()) co_return reply;
    const MintResult& minted = round->minted();
    reply.siblings = minted.siblings_live;
    if (minted.found) ++core->figures.op_id_hits;
    if (blind && !minted.found) ++core->figures.blind_writes;
    if (reply.status.ok()) SealInto(*core, key, minted.next_context, &reply);
    co_return reply;
  }
}

// A bucket's TTL becomes an absolute time here, once; nothing computes it again.
int64_t ExpiryOf(const ClientRequest& request, const CheckedRequest& checked, const CoordinatorCore& core) {
  if (request.op == ClientOp::kDelete) return 0;
  if (request.expires_at_ms != 0 || checked.ttl_ms == 0) return request.expires_at_ms;
  return core.env.clock.WallNow().time_since_epoch().count() + static_cast<int64_t>(checked.ttl_ms);
}

}  // namespace

Task<ClientReply> RunMutation(CorePtr core, ClientRequest request, CheckedRequest checked) {
  const bool tombstone = request.op == ClientOp::kDelete;
  // A fallback's copy goes to the hints, which have bounds of their own.
  const absl::Status admitted = checked.as_fallback ? absl::OkStatus() : core->local.AdmitWrite(tombstone);
  if (!admitted.ok()) co_return MakeReply(*core, admitted, Outcome::kNotApplied);

  const uint64_t request_hash = RequestHash(request);
  const bool covers_what_is_read = tombstone && request.context.empty();
  const bool retry = request.retry && !request.op_id.IsNone();
  if (covers_what_is_read || retry) {
    LookupQuery query{
        .op_id = retry ? request.op_id : OpId{}, .request_hash = request_hash, .for_context = covers_what_is_read};
    absl::StatusOr<Lookup> lookup = co_await LookUp(core, checked, query);
    if (!lookup.ok()) co_return MakeReply(*core, lookup.status(), Outcome::kNotApplied);
    if (lookup->found.has_value()) co_return co_await SpreadFound(core, std::move(checked), *std::move(lookup->found));
    if (covers_what_is_read) checked.context = lookup->context;
    if (!checked.as_fallback && !core->ring->IsOwner(checked.key.partition, core->options.self)) {
      co_return MakeReply(*core, absl::UnavailableError("this node ceased to own the key: retry"),
                          Outcome::kNotApplied);
    }
  }
  const int64_t expires_at_ms = ExpiryOf(request, checked, *core);
  MintCommand command{.key = std::move(checked.key),
                      .context = std::move(checked.context),
                      .mutation = {.tombstone = tombstone,
                                   .value = std::move(request.value),
                                   .expires_at_ms = expires_at_ms,
                                   .op_id = request.op_id,
                                   .request_hash = request_hash},
                      .deadline = checked.deadline};
  co_return co_await MintAndSpread(core, std::move(command), PlanOf(checked));
}

Task<void> MintAgain(CorePtr core, MintCommand command, WritePlan plan) {
  const ClientReply reply = co_await MintAndSpread(core, std::move(command), plan);
  core->env.tracer.Event(Severity::kWarning, "MintedAgain", {{"status", reply.status.ToString()}});
}

}  // namespace henge
