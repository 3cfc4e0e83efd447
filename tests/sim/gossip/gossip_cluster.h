// Hundreds of failure detectors over a simulated network, with nothing else of a node: what gossip costs and how well
// it judges.
//
// One thread, virtual time; equal options, equal runs. Messages are encoded and decoded, and counted in bytes with what
// a call of the peer transport adds to them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "core/model/swim.h"
#include "core/runtime/xoshiro.h"

namespace henge::sim {

struct GossipOptions {
  int nodes = 3;
  uint64_t seed = 1;
  SwimSettings swim;
};

class GossipCluster {
 public:
  struct Seen {
    MonotonicTime when;
    int node;  // whose view changed
    SwimEvent event;
  };

  explicit GossipCluster(GossipOptions options);

  void RunFor(Duration span);
  // Until `done`, looked at every 10 ms; whether it became true within `limit`, and after what time.
  std::optional<Duration> RunUntil(const std::function<bool()>& done, Duration limit);
  MonotonicTime now() const { return now_; }

  void Crash(int node);
  void Restart(int node, std::string address);
  // Whether messages from one node to another are lost.
  void SetCut(std::function<bool(int from, int to)> cut) { cut_ = std::move(cut); }
  // From now on the node runs in bursts of 0.1 to 1 s, between stalls of 0.5 to 4 s. What comes meanwhile waits.
  void MakeSlow(int node);
  // Gives a call to a node as if `from` had sent it.
  void Inject(int from, int to, const SwimCall& call);

  const Swim& swim(int node) const { return *nodes_[node].swim; }
  Liveness View(int node, int of) const;
  bool AllAlive() const;
  const std::vector<Seen>& seen() const { return seen_; }
  void ClearSeen() { seen_.clear(); }
  uint64_t bytes() const { return bytes_; }

  static MemberId Id(int node) { return MemberId(static_cast<uint32_t>(node + 1)); }
  static int Index(MemberId member) { return static_cast<int>(member.value()) - 1; }

 private:
  struct Node {
    std::unique_ptr<Swim> swim;
    uint64_t run = 0;  // grows with every start: what was meant for an older one is dropped
    bool up = true;
    bool slow = false;
    MonotonicTime awake_until{};
    MonotonicTime stalled_until{};
    MonotonicTime tick_at = MonotonicTime::max();
  };
  struct Event {
    MonotonicTime when;
    uint64_t sequence;
    int node;
    uint64_t run;
    std::function<void()> act;
    bool operator<(const Event& o) const { return when != o.when ? when > o.when : sequence > o.sequence; }
  };

  void Start(int node, std::string address);
  void At(MonotonicTime when, int node, std::function<void()> act);
  void Dispatch(const Event& event);
  // When the node, which may stall, gets to what is there now.
  MonotonicTime ReadyAt(Node& node);
  void Obey(int node, SwimOutput output);
  void Carry(int from, SwimSend send);
  void Wake(int node);
  Duration Latency() { return std::chrono::microseconds(200 + random_.Below(800)); }

  const GossipOptions options_;
  Xoshiro random_;
  MonotonicTime now_{};
  uint64_t sequence_ = 0;
  uint64_t next_token_ = 1;
  std::priority_queue<Event> events_;
  std::vector<Node> nodes_;
  std::vector<MemberId> members_;
  std::map<uint64_t, std::function<void(SwimAnswer)>> waiting_;  // by token
  std::function<bool(int, int)> cut_;
  std::vector<Seen> seen_;
  uint64_t bytes_ = 0;
};

}  // namespace henge::sim
