#include "tests/sim/gossip/gossip_cluster.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/runtime/check.h"

namespace henge::sim {
namespace {

// What a call or an answer costs beside the gossip itself: ids, deadline, frame and field tags, HTTP/2.
constexpr uint64_t kEnvelopeBytes = 40;

}  // namespace

GossipCluster::GossipCluster(GossipOptions options) : options_(options), random_(options.seed) {
  for (int i = 0; i < options_.nodes; ++i) members_.push_back(Id(i));
  nodes_.resize(static_cast<size_t>(options_.nodes));
  for (int i = 0; i < options_.nodes; ++i) Start(i, absl::StrCat("10.0.0.", i, ":7401"));
}

void GossipCluster::Start(int node, std::string address) {
  Node& n = nodes_[node];
  n.up = true;
  ++n.run;
  n.tick_at = MonotonicTime::max();
  n.swim = std::make_unique<Swim>(options_.swim, Id(node), std::move(address), random_.Next64(), now_);
  n.swim->SetMembers(members_);
  Wake(node);
}

void GossipCluster::Crash(int node) {
  nodes_[node].up = false;
  ++nodes_[node].run;
}

void GossipCluster::Restart(int node, std::string address) {
  Crash(node);
  Start(node, std::move(address));
}

void GossipCluster::MakeSlow(int node) {
  nodes_[node].slow = true;
  nodes_[node].awake_until = now_;
}

void GossipCluster::At(MonotonicTime when, int node, std::function<void()> act) {
  events_.push(Event{when, ++sequence_, node, nodes_[node].run, std::move(act)});
}

MonotonicTime GossipCluster::ReadyAt(Node& node) {
  if (!node.slow) return now_;
  while (now_ >= std::max(node.awake_until, node.stalled_until)) {
    node.stalled_until = std::max(now_, node.awake_until) + std::chrono::milliseconds(500 + random_.Below(3500));
    node.awake_until = node.stalled_until + std::chrono::milliseconds(100 + random_.Below(900));
  }
  return std::max(now_, node.stalled_until);
}

void GossipCluster::Dispatch(const Event& event) {
  Node& node = nodes_[event.node];
  if (event.run != node.run || !node.up) return;
  const MonotonicTime ready = ReadyAt(node);
  if (ready <= now_) return event.act();
  // Keeps its place among what waits: by the time at which it came.
  events_.push(Event{ready, event.sequence, event.node, event.run, event.act});
}

void GossipCluster::RunFor(Duration span) {
  const MonotonicTime end = now_ + span;
  while (!events_.empty() && events_.top().when <= end) {
    const Event event = events_.top();
    events_.pop();
    now_ = event.when;
    Dispatch(event);
  }
  now_ = end;
}

std::optional<Duration> GossipCluster::RunUntil(const std::function<bool()>& done, Duration limit) {
  const MonotonicTime start = now_;
  while (!done()) {
    if (now_ - start >= limit) return std::nullopt;
    RunFor(std::chrono::milliseconds(10));
  }
  return now_ - start;
}

void GossipCluster::Wake(int node) {
  Node& n = nodes_[node];
  const MonotonicTime next = std::max(now_, n.swim->NextWake());
  // A tick that is planned earlier plans this one.
  if (n.tick_at <= next) return;
  n.tick_at = next;
  At(next, node, [this, node, next] {
    Node& at = nodes_[node];
    if (at.tick_at != next) return;
    at.tick_at = MonotonicTime::max();
    SwimOutput output;
    at.swim->Tick(now_, &output);
    Obey(node, std::move(output));
  });
}

void GossipCluster::Obey(int node, SwimOutput output) {
  for (const SwimEvent& event : output.events) seen_.push_back({now_, node, event});
  for (SwimRespond& response : output.responses) {
    auto at = waiting_.find(response.token);
    if (at == waiting_.end()) continue;
    auto reply = std::move(at->second);
    waiting_.erase(at);
    reply(std::move(response.answer));
  }
  for (SwimSend& send : output.sends) Carry(node, std::move(send));
  Wake(node);
}

void GossipCluster::Carry(int from, SwimSend send) {
  const int to = Index(send.to);
  const uint64_t id = send.id;
  At(now_ + send.timeout, from, [this, from, id] {
    SwimOutput output;
    nodes_[from].swim->OnAnswer(now_, id, std::nullopt, &output);
    Obey(from, std::move(output));
  });
  const std::string bytes = send.call.Encode();
  bytes_ += bytes.size() + kEnvelopeBytes;
  if (cut_ && cut_(from, to)) return;
  const uint64_t caller_run = nodes_[from].run;
  At(now_ + Latency(), to, [this, from, to, id, bytes, caller_run] {
    auto call = SwimCall::Decode(bytes);
    HENGE_CHECK(call.ok());
    const uint64_t token = next_token_++;
    waiting_[token] = [this, from, to, id, caller_run](SwimAnswer answer) {
      const std::string reply = answer.Encode();
      bytes_ += reply.size() + kEnvelopeBytes;
      if ((cut_ && cut_(to, from)) || nodes_[from].run != caller_run) return;
      At(now_ + Latency(), from, [this, from, id, reply] {
        auto decoded = SwimAnswer::Decode(reply);
        HENGE_CHECK(decoded.ok());
        SwimOutput output;
        nodes_[from].swim->OnAnswer(now_, id, *decoded, &output);
        Obey(from, std::move(output));
      });
    };
    SwimOutput output;
    nodes_[to].swim->OnCall(now_, Id(from), *call, token, &output);
    Obey(to, std::move(output));
  });
}

void GossipCluster::Inject(int from, int to, const SwimCall& call) {
  SwimOutput output;
  nodes_[to].swim->OnCall(now_, Id(from), call, next_token_++, &output);
  Obey(to, std::move(output));
}

Liveness GossipCluster::View(int node, int of) const { return nodes_[node].swim->table().Find(Id(of))->liveness; }

bool GossipCluster::AllAlive() const {
  for (int i = 0; i < options_.nodes; ++i) {
    if (!nodes_[i].up) continue;
    for (int j = 0; j < options_.nodes; ++j) {
      if (nodes_[j].up && View(i, j) != Liveness::kAlive) return false;
    }
  }
  return true;
}

}  // namespace henge::sim
