// Failure detectors of one cluster on one loop, and a network between them that the test cuts.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/model/cluster_state.h"
#include "node/gossip/gossip.h"
#include "tests/unit/coordinator/fakes.h"

namespace henge::gossip_test {

using coordinator_test::CountingRandom;
using coordinator_test::ManualClock;
using coordinator_test::ManualLoop;
using coordinator_test::RecordingTracer;

inline RingPtr RingOf(int members, const std::string& token = "t") {
  std::vector<InitialMember> list;
  for (int i = 1; i <= members; ++i) {
    list.push_back({.name = absl::StrCat("n", i),
                    .client_address = absl::StrCat("h", i, ":1"),
                    .peer_address = absl::StrCat("h", i, ":2")});
  }
  return std::make_shared<const Ring>(*MakeInitialState(token, 3, std::move(list)));
}

class GossipRig {
 public:
  explicit GossipRig(int members) : ring(RingOf(members)) {
    for (int i = 1; i <= members; ++i) Start(i);
  }

  // A process of member `i`; the last one of it ends.
  void Start(int i, SwimSettings settings = {}) {
    auto node = std::make_unique<Node>(*this, MemberId(static_cast<uint32_t>(i)));
    node->gossip =
        std::make_unique<Gossip>(settings, node->self, ShardEnvironment{clock, loop, random, *node, node->tracer}, ring,
                                 [at = node.get()](LivenessPtr liveness) { at->told.push_back(std::move(liveness)); });
    node->gossip->Start();
    nodes[i] = std::move(node);
  }
  void Kill(int i) { nodes.erase(i); }
  void Cut(int a, int b) { cuts.insert({a, b}), cuts.insert({b, a}); }
  void Heal() { cuts.clear(); }
  Gossip& gossip(int i) { return *nodes.at(i)->gossip; }
  RecordingTracer& tracer(int i) { return nodes.at(i)->tracer; }
  const std::vector<LivenessPtr>& told(int i) { return nodes.at(i)->told; }
  // What `i` holds of `of`.
  Liveness View(int i, int of) { return gossip(i).liveness()->Of(MemberId(static_cast<uint32_t>(of))); }
  uint64_t Incarnation(int i, int of) {
    return gossip(i).liveness()->entries().at(static_cast<size_t>(of - 1)).incarnation;
  }
  // Serves one body at `i` as if member `from` had sent it.
  absl::StatusOr<std::string> Ask(int i, int from, std::string body) {
    absl::StatusOr<std::string> answer = absl::UnknownError("no answer");
    gossip(i).Serve(MemberId(static_cast<uint32_t>(from)), std::move(body), clock.now + std::chrono::seconds(1),
                    [&answer](absl::StatusOr<std::string> reply) { answer = std::move(reply); });
    return answer;
  }
  std::string Sealed(const std::string& message) const {
    return GossipEnvelope{ring->cluster(), ring->version(), ring->digest(), message}.Encode();
  }

  struct Node : public Transport {
    Node(GossipRig& r, MemberId id) : rig(r), self(id) {}
    void Call(MemberId to, PeerRequest request, MonotonicTime deadline, Callback done) override {
      rig.Deliver(self, to, std::move(std::get<ControlRequest>(request).body), deadline, std::move(done));
    }
    GossipRig& rig;
    const MemberId self;
    RecordingTracer tracer;
    std::vector<LivenessPtr> told;
    std::unique_ptr<Gossip> gossip;
  };

  ManualClock clock;
  ManualLoop loop{clock};
  CountingRandom random{3};
  RingPtr ring;
  std::map<int, std::unique_ptr<Node>> nodes;
  std::set<std::pair<int, int>> cuts;
  absl::Status refusal;  // what every call is answered, unless OK

 private:
  void Deliver(MemberId from, MemberId to, std::string body, MonotonicTime deadline, Transport::Callback done) {
    const int a = static_cast<int>(from.value());
    const int b = static_cast<int>(to.value());
    if (!refusal.ok()) {
      return loop.Post([this, done = std::move(done)]() mutable { done(refusal); });
    }
    if (cuts.contains({a, b})) {
      loop.RunAt(deadline, [done = std::move(done)]() mutable { done(absl::DeadlineExceededError("cut")); });
      return;
    }
    loop.Post([this, a, b, body = std::move(body), deadline, done = std::move(done)]() mutable {
      if (!nodes.contains(b)) return done(absl::UnavailableError("nobody listens"));
      gossip(b).Serve(MemberId(static_cast<uint32_t>(a)), std::move(body), deadline,
                      [this, done = std::move(done)](absl::StatusOr<std::string> reply) mutable {
                        loop.Post([done = std::move(done), reply = std::move(reply)]() mutable {
                          if (!reply.ok()) return done(reply.status());
                          done(PeerReply(ControlReply{*std::move(reply)}));
                        });
                      });
    });
  }
};

}  // namespace henge::gossip_test
