#include "coordinator/coordinator_core.h"

#include <utility>

#include "coordinator/read_round.h"

namespace henge {
namespace {

// How many hedges or retries may come at once before the share decides.
constexpr int kExtraAttemptsBurst = 20;

// Read repairs under way at once; more are left to the next read.
constexpr int kRepairsMax = 1024;
constexpr size_t kRepairBytesMax = size_t{16} << 20;

// Acked writes that wait for their last owner at once; those beyond leave it to anti-entropy.
constexpr int kLingeringMax = 8192;
constexpr size_t kLingeringBytesMax = size_t{64} << 20;

}  // namespace

CoordinatorCore::CoordinatorCore(CoordinatorOptions options_in, ShardEnvironment environment, LocalReplica& local_in,
                                 RingPtr ring_in, LocalHints* hints_in)
    : options(options_in),
      env(environment),
      local(local_in),
      hints(hints_in),
      ring(std::move(ring_in)),
      admission(options.in_flight_max, options.in_flight_bytes_max),
      repairs(kRepairsMax, kRepairBytesMax),
      lingering(kLingeringMax, kLingeringBytesMax),
      health({.hedge_delay_initial = options.hedge_delay_initial,
              .hedge_delay_min = options.hedge_delay_min,
              .strikes_to_disqualify = options.strikes_to_disqualify,
              .probe_interval = options.probe_interval}),
      hedge_budget(options.hedge_share, kExtraAttemptsBurst),
      retry_budget(options.retry_share, kExtraAttemptsBurst) {}

std::string CoordinatorCore::NameOf(MemberId member) const { return ring->state().NameOf(member); }

void CoordinatorCore::OnFirstAnswer(MemberId member, MonotonicTime sent_at, Attempt kind) {
  if (!health.OnAnswer(member, env.clock.Now() - sent_at, kind)) return;
  env.tracer.Event(Severity::kInfo, "PeerQualified", {{"peer", uint64_t{member.value()}}});
  if (tell_verdict) tell_verdict(member, /*disqualified=*/false);
}

// These codes are the transport's own, or may be: nobody has answered.
void CoordinatorCore::OnReply(MemberId member, const absl::Status& status) {
  if (!health.AnyAvoided()) return;
  if (absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) || absl::IsResourceExhausted(status)) return;
  health.OnHeard(member, env.clock.Now());
}

void CoordinatorCore::OnStrike(MemberId member, MonotonicTime sent_at, Attempt kind) {
  if (!health.OnStrike(member, sent_at, env.clock.Now(), kind)) return;
  env.tracer.Event(Severity::kWarning, "PeerDisqualified", {{"peer", uint64_t{member.value()}}});
  if (tell_verdict) tell_verdict(member, /*disqualified=*/true);
}

}  // namespace henge
