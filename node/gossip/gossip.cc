#include "node/gossip/gossip.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "node/fence.h"

namespace henge {
namespace {

// Calls of the peers that wait for a third one's answer; more are refused.
constexpr size_t kWaitingMax = 1024;

std::vector<MemberId> MembersOf(const Ring& ring) {
  std::vector<MemberId> members;
  members.reserve(ring.state().members.size());
  for (const Member& member : ring.state().members) members.push_back(member.id);
  return members;
}

// Whether only the peer itself can have answered this: it is there, and doesn't understand.
bool IsPeersWord(const absl::Status& status) {
  return absl::IsPermissionDenied(status) || absl::IsInvalidArgument(status) || absl::IsFailedPrecondition(status) ||
         absl::IsUnimplemented(status);
}

}  // namespace

Gossip::Gossip(SwimSettings settings, MemberId self, ShardEnvironment environment, RingPtr ring, LivenessFn on_liveness)
    : settings_(settings),
      env_(environment),
      on_liveness_(std::move(on_liveness)),
      ring_(std::move(ring)),
      swim_(settings, self, /*address=*/"", env_.random.Next64(), env_.clock.Now()),
      machine_now_(env_.clock.Now()) {
  swim_.SetMembers(MembersOf(*ring_));
}

void Gossip::Start() {
  if (stopped_) return;
  running_ = true;
  Arm();
}

void Gossip::Stop() {
  running_ = false;
  stopped_ = true;
  Arm();
  for (auto& [token, reply] : std::exchange(waiting_, {})) reply(absl::UnavailableError("this node is shutting down"));
}

void Gossip::UpdateRing(RingPtr ring) {
  ring_ = std::move(ring);
  differing_.clear();
  swim_.SetMembers(MembersOf(*ring_));
  on_liveness_(swim_.Snapshot());
  Arm();
}

// ---- Time

// While this process stands still (SIGSTOP, a suspended host) its peers' answers wait unread, and suspicions may have
// been refuted. So that time doesn't count, and what waits gets the time of a probe to be read.
MonotonicTime Gossip::Now() {
  const MonotonicTime now = env_.clock.Now();
  if (timer_.has_value() && now - wake_at_ > settings_.probe_timeout) {
    ++figures_.stalls;
    stood_still_ += now - wake_at_ + settings_.probe_timeout;
    wake_at_ = now;
  }
  machine_now_ = std::max(machine_now_, now - stood_still_);
  return machine_now_;
}

void Gossip::Arm() {
  const bool wanted = running_ && swim_.table().entries().size() > 1;
  // What is due already, news that just came for instance, is not late.
  const MonotonicTime wake = wanted ? std::max(swim_.NextWake() + stood_still_, env_.clock.Now()) : wake_at_;
  if (wanted && timer_.has_value() && wake == wake_at_) return;
  if (timer_.has_value()) env_.executor.Cancel(*timer_);
  timer_.reset();
  if (!wanted) return;
  wake_at_ = wake;
  timer_ = env_.executor.RunAt(wake, [this, alive = std::weak_ptr(alive_)] {
    if (alive.expired()) return;
    const MonotonicTime now = Now();
    timer_.reset();
    SwimOutput out;
    swim_.Tick(now, &out);
    Act(MemberId(), std::move(out));
  });
}

// ---- What the machine wants

void Gossip::Act(MemberId from, SwimOutput out) {
  for (SwimRespond& response : out.responses) {
    auto waiting = waiting_.extract(response.token);
    if (waiting.empty()) continue;
    std::string body = Seal(response.answer.Encode());
    figures_.bytes_sent += body.size();
    waiting.mapped()(std::move(body));
  }
  for (SwimSend& send : out.sends) Send(std::move(send));
  bool changed = false;
  for (const SwimEvent& event : out.events) {
    Report(from, event);
    changed = changed || event.kind <= SwimEventKind::kDead;
  }
  if (changed) on_liveness_(swim_.Snapshot());
  Arm();
}

void Gossip::Send(SwimSend send) {
  std::string body = Seal(send.call.Encode());
  ++figures_.calls_sent;
  figures_.bytes_sent += body.size();
  env_.transport.Call(
      send.to, ControlRequest{ControlKind::kGossip, std::move(body)}, env_.clock.Now() + send.timeout,
      [this, alive = std::weak_ptr(alive_), to = send.to, id = send.id](absl::StatusOr<PeerReply> reply) {
        if (!alive.expired()) OnReply(to, id, std::move(reply));
      });
}

void Gossip::OnReply(MemberId from, uint64_t id, absl::StatusOr<PeerReply> reply) {
  const std::optional<SwimAnswer> answer = AnswerOf(from, reply);
  if (stopped_) return;
  SwimOutput out;
  swim_.OnAnswer(Now(), id, answer, &out);
  Act(from, std::move(out));
}

std::optional<SwimAnswer> Gossip::AnswerOf(MemberId from, const absl::StatusOr<PeerReply>& reply) {
  if (!reply.ok()) {
    ++figures_.calls_failed;
    if (!IsPeersWord(reply.status())) return std::nullopt;
    // A peer of another version: nothing is learned from it, but that it is there.
    NoteBadMessage(from, reply.status());
    if (absl::IsPermissionDenied(reply.status()) && on_stranger_) {
      on_stranger_(from, ClusterId(), std::string(reply.status().message()));
    }
    return SwimAnswer();
  }
  const auto* control = std::get_if<ControlReply>(&*reply);
  absl::StatusOr<GossipEnvelope> envelope =
      control != nullptr ? Open(from, control->body) : absl::InvalidArgumentError("an answer that is none of gossip");
  absl::StatusOr<SwimAnswer> answer =
      envelope.ok() ? SwimAnswer::Decode(envelope->message) : absl::StatusOr<SwimAnswer>(envelope.status());
  if (!answer.ok()) {
    ++figures_.calls_failed;
    NoteBadMessage(from, answer.status());
    return SwimAnswer();
  }
  NoteState(from, *envelope);
  return *std::move(answer);
}

// ---- What the peers want

void Gossip::Serve(MemberId from, std::string body, MonotonicTime, ReplyFn reply) {
  if (stopped_) return reply(absl::UnavailableError("this node is shutting down"));
  absl::StatusOr<GossipEnvelope> envelope = Open(from, body);
  absl::StatusOr<SwimCall> call =
      envelope.ok() ? SwimCall::Decode(envelope->message) : absl::StatusOr<SwimCall>(envelope.status());
  if (!call.ok()) {
    NoteBadMessage(from, call.status());
    return reply(std::move(call).status());
  }
  if (waiting_.size() >= kWaitingMax) {
    return reply(absl::ResourceExhaustedError(
        absl::StrCat("this node pings for ", waiting_.size(), " others already: ask another one")));
  }
  NoteState(from, *envelope);
  const uint64_t token = next_token_++;
  waiting_.emplace(token, std::move(reply));
  SwimOutput out;
  swim_.OnCall(Now(), from, *call, token, &out);
  Act(from, std::move(out));
}

absl::StatusOr<GossipEnvelope> Gossip::Open(MemberId from, std::string_view body) {
  absl::StatusOr<GossipEnvelope> envelope = GossipEnvelope::Decode(body);
  if (envelope.ok() && envelope->cluster != ring_->cluster()) {
    if (on_stranger_) on_stranger_(from, envelope->cluster, "");
    if (ring_->state().HasFormer(envelope->cluster)) return CheckPeerCluster(ring_->state(), envelope->cluster, from);
    return absl::FailedPreconditionError(
        absl::StrCat("a gossip message of cluster ", absl::Hex(envelope->cluster.value()), ", this is ",
                     absl::Hex(ring_->cluster().value()), ": check the addresses of the members"));
  }
  return envelope;
}

std::string Gossip::Seal(std::string message) {
  return GossipEnvelope{.cluster = ring_->cluster(),
                        .version = ring_->version(),
                        .digest = ring_->digest(),
                        .message = std::move(message)}
      .Encode();
}

// Who is told of the peers' states judges them; else it is said here.
void Gossip::NoteState(MemberId from, const GossipEnvelope& envelope) {
  if (on_state_) return on_state_(from, envelope.version, envelope.digest);
  if (envelope.version != ring_->version() || envelope.digest == ring_->digest()) return;
  if (!differing_.insert(from).second) return;
  env_.tracer.Event(Severity::kAlarm, "ClusterStateDiffers",
                    {{"peer", NameOf(from)},
                     {"version", envelope.version.value()},
                     {"digest", absl::StrCat(absl::Hex(envelope.digest))},
                     {"own_digest", absl::StrCat(absl::Hex(ring_->digest()))}});
}

// ---- Telling

void Gossip::Report(MemberId from, const SwimEvent& event) {
  Severity severity = Severity::kInfo;
  std::string_view name;
  switch (event.kind) {
    case SwimEventKind::kAlive:
      name = "MemberAlive";
      break;
    case SwimEventKind::kSuspect:
      name = "MemberSuspected";
      break;
    case SwimEventKind::kDead:
      name = "MemberDead";
      severity = Severity::kWarning;
      break;
    case SwimEventKind::kRefuted:
      name = "LivenessRefuted";
      break;
    case SwimEventKind::kForged:
      return ReportForged(from, event);
    case SwimEventKind::kReachedByOthers:
      name = "ReachedByOthers";
      severity = Severity::kDebug;
      break;
  }
  env_.tracer.Event(severity, name,
                    {{"member", NameOf(event.member)},
                     {"incarnation", event.incarnation},
                     {"from", from == MemberId() ? std::string("here") : NameOf(from)}});
}

void Gossip::ReportForged(MemberId from, const SwimEvent& event) {
  const std::string member = NameOf(event.member);
  const std::string teller = NameOf(from);
  if (!forged_said_.MaySay(absl::StrCat(teller, "/", member), env_.clock.Now())) return;
  env_.tracer.Event(Severity::kWarning, "ForgedIncarnation",
                    {{"member", member},
                     {"incarnation", event.incarnation},
                     {"from", teller},
                     {"why", std::string("no member comes that far: it is not believed. If it goes on, look at who "
                                         "tells it: a faulty node, or none of this cluster")}});
}

void Gossip::NoteBadMessage(MemberId from, const absl::Status& why) {
  ++figures_.bad_messages;
  // Each reason of each peer is news.
  if (!bad_said_.MaySay(absl::StrCat(from.value(), "/", why.ToString()), env_.clock.Now())) return;
  env_.tracer.Event(Severity::kWarning, "GossipRefused", {{"peer", NameOf(from)}, {"why", why.ToString()}});
}

std::string Gossip::NameOf(MemberId member) const { return ring_->state().NameOf(member); }

GossipFigures Gossip::figures() const {
  GossipFigures figures = figures_;
  const SwimFigures& machine = swim_.figures();
  figures.probes = machine.probes;
  figures.probes_failed = machine.probes_failed;
  figures.refutations = machine.refutations;
  figures.forged = machine.forged;
  figures.health = swim_.health();
  return figures;
}

}  // namespace henge
