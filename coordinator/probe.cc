#include "coordinator/probe.h"

#include <utility>

namespace henge {
namespace {

constexpr Duration kProbeDeadline = std::chrono::seconds(1);

}  // namespace

void ProbeDisqualified(const CorePtr& core, const RecordKey& key, LayoutEpoch epoch) {
  if (!core->health.AnyDisqualified()) return;
  const MonotonicTime now = core->env.clock.Now();
  for (MemberId owner : core->ring->Owners(key.partition)) {
    if (owner == core->options.self || !core->health.TakeProbe(owner, now)) continue;
    core->env.transport.Call(owner, ReadRequest{.key = key, .epoch = epoch}, now + kProbeDeadline,
                             [core, owner, now](absl::StatusOr<PeerReply> reply) {
                               if (!core->stopped() && reply.ok()) core->OnFirstAnswer(owner, now);
                             });
  }
}

}  // namespace henge
