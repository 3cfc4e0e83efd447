// Who is alive, as this node sees it: drives SWIM (core/model/swim.h) by the control loop's clock, timers and
// transport.
//
// Owned by the node; control loop only, but for the constructor and the destructor, which run while no loop does. An
// opinion for choosing whom to ask; membership comes from the ring alone.
//
// A member's incarnation is kept by its peers, not on its disk: a process starts at the lowest, and learns from the
// first answer of anybody who holds another one of it which it has to exceed. So a wiped disk or a clock that went back
// can't make it regress, and nothing is written for it.
//
// Invariants: each SwimSend is answered to the machine exactly once; at most one timer is armed, and none in a cluster
// of one; the machine's time stands still while this process does.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "core/model/gossip_envelope.h"
#include "core/model/ring.h"
#include "core/model/swim.h"
#include "core/runtime/environment.h"
#include "core/runtime/repeat_guard.h"
#include "node/control_plane.h"
#include "node/gossip/gossip_figures.h"

namespace henge {

class Gossip : public ControlService {
 public:
  // A later opinion than the last one.
  using LivenessFn = absl::AnyInvocable<void(LivenessPtr)>;
  // Each message of a peer tells which cluster state it has, whether newer, older or the same.
  using StateFn = absl::AnyInvocable<void(MemberId from, StateVersion version, uint64_t digest)>;

  Gossip(SwimSettings settings, MemberId self, ShardEnvironment environment, RingPtr ring, LivenessFn on_liveness);
  ~Gossip() override = default;

  // Who is told of the peers' cluster states; before Start.
  void OnState(StateFn on_state) { on_state_ = std::move(on_state); }
  // Of another cluster: whom a message came from goes by it; `given_up`, if not empty, says that the peer holds this
  // node to be given up by a recovery (P32). Before Start.
  using StrangerFn = absl::AnyInvocable<void(MemberId from, ClusterId cluster, const std::string& given_up)>;
  void OnStranger(StrangerFn on_stranger) { on_stranger_ = std::move(on_stranger); }
  void Start();
  // Asks nobody any more, and tells who asks that this node is going. Idempotent.
  void Stop();
  // Another cluster state: other members, and another version to tell.
  void UpdateRing(RingPtr ring);

  // UNAVAILABLE while this node goes; INVALID_ARGUMENT and FAILED_PRECONDITION for what it doesn't understand, which
  // then changes nothing.
  void Serve(MemberId from, std::string body, MonotonicTime deadline, ReplyFn reply) override;

  LivenessPtr liveness() const { return swim_.Snapshot(); }
  GossipFigures figures() const;

 private:
  MonotonicTime Now();
  void Act(MemberId from, SwimOutput out);
  void Send(SwimSend send);
  void OnReply(MemberId from, uint64_t id, absl::StatusOr<PeerReply> reply);
  std::optional<SwimAnswer> AnswerOf(MemberId from, const absl::StatusOr<PeerReply>& reply);
  void Report(MemberId from, const SwimEvent& event);
  void ReportForged(MemberId from, const SwimEvent& event);
  void Arm();

  // Opens what `from` sent, and checks that it is of this cluster.
  absl::StatusOr<GossipEnvelope> Open(MemberId from, std::string_view body);
  std::string Seal(std::string message);
  void NoteState(MemberId from, const GossipEnvelope& envelope);
  // Counts what can't be understood, and says so once in a while.
  void NoteBadMessage(MemberId from, const absl::Status& why);
  std::string NameOf(MemberId member) const;

  const SwimSettings settings_;
  const ShardEnvironment env_;
  LivenessFn on_liveness_;
  StateFn on_state_;
  StrangerFn on_stranger_;
  RingPtr ring_;
  Swim swim_;
  bool running_ = false;
  bool stopped_ = false;

  std::optional<TimerId> timer_;
  MonotonicTime wake_at_;
  MonotonicTime machine_now_;
  Duration stood_still_{0};

  uint64_t next_token_ = 1;
  std::map<uint64_t, ReplyFn> waiting_;  // calls of the peers, by token
  std::set<MemberId> differing_;         // whose state differs from the present one of the same version
  RepeatGuard bad_said_;
  RepeatGuard forged_said_;
  GossipFigures figures_;
  // What callbacks look at before they touch this object.
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace henge
