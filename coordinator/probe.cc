#include "coordinator/probe.h"

#include <memory>
#include <utility>

namespace henge {
namespace {

constexpr Duration kProbeDeadline = std::chrono::seconds(1);

struct Probe {
  CorePtr core;
  MemberId member;
  MonotonicTime sent_at;
  bool answered = false;
};

// A replica that refuses (recovering, another layout epoch) is there all the same.
bool Answered(const absl::Status& status) {
  return status.ok() || absl::IsFailedPrecondition(status) || absl::IsAborted(status);
}

// A loop that was held up looks at what came in first (H46).
void StrikeIfSilent(const std::shared_ptr<Probe>& probe) {
  if (probe->answered || probe->core->stopped()) return;
  probe->core->env.executor.Post([probe] {
    if (!probe->answered && !probe->core->stopped()) probe->core->OnStrike(probe->member, probe->sent_at);
  });
}

}  // namespace

void ProbeAvoided(const CorePtr& core, const RecordKey& key, LayoutEpoch epoch) {
  if (!core->health.AnyAvoided()) return;
  const MonotonicTime now = core->env.clock.Now();
  for (MemberId owner : core->ring->Owners(key.partition)) {
    if (owner == core->options.self || !core->health.TakeProbe(owner, now)) continue;
    auto probe = std::make_shared<Probe>(core, owner, now);
    core->env.transport.Call(owner, ReadRequest{.key = key, .epoch = epoch}, now + kProbeDeadline,
                             [probe](absl::StatusOr<PeerReply> reply) {
                               if (probe->core->stopped()) return;
                               probe->core->OnReply(probe->member, reply.status());
                               probe->answered = Answered(reply.status());
                               if (probe->answered) probe->core->OnFirstAnswer(probe->member, probe->sent_at);
                             });
    core->env.executor.RunAt(now + core->health.HedgeDelay(owner), [probe] { StrikeIfSilent(probe); });
  }
}

}  // namespace henge
