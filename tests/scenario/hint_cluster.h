// Five simulated nodes with nothing to do, to whose fallbacks a test hands hints as a coordinator would.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/model/object_builder.h"
#include "core/model/slot.h"
#include "tests/sim/sim_node.h"

namespace henge::sim {

inline constexpr uint32_t kHintNodes = 5;

inline ClusterState StateOfFive() {
  std::vector<InitialMember> members;
  for (uint32_t i = 1; i <= kHintNodes; ++i) {
    const std::string host = absl::StrCat("n", i);
    members.push_back({host, absl::StrCat(host, ":7400"), absl::StrCat(host, ":7401"), "", 100});
  }
  return *MakeInitialState("hints", 3, std::move(members));
}

// What was handed in, and what of it was acknowledged.
struct Written {
  RecordKey key;
  MemberId target;
  Dot dot;
  bool acked = false;
};

class HintCluster {
 public:
  explicit HintCluster(uint64_t seed, SimLinkOptions links = {}, uint64_t hint_bytes_max = uint64_t{1} << 30)
      : scheduler(seed),
        random(SimRandom(seed).Split("test")),
        network(scheduler, SimRandom(seed).Split("network"), links),
        ring(std::make_shared<Ring>(StateOfFive())) {
    for (uint32_t i = 1; i <= kHintNodes; ++i) {
      SimNodeOptions options{.member = MemberId(i), .state = ring->state(), .shards = 2};
      options.hint_bytes_max = hint_bytes_max;
      nodes.push_back(
          std::make_unique<SimNode>(scheduler, network, SimRandom(seed), monitor, serious, std::move(options), [] {}));
      EXPECT_TRUE(nodes.back()->Start().ok());
    }
    // P15: stores that are new count from the first comparison on.
    const auto whole = [](const auto& node) { return node->EntropyFigures().recovering == 0; };
    EXPECT_TRUE(scheduler.RunUntilTrue([&] { return std::all_of(nodes.begin(), nodes.end(), whole); },
                                       scheduler.now() + std::chrono::seconds(60)));
  }

  SimNode& node(MemberId member) { return *nodes[member.value() - 1]; }

  // A key of which `fallback` is no owner and `target` is one.
  RecordKey KeyFor(MemberId fallback, MemberId target, int from) const {
    for (int i = from;; ++i) {
      const std::string key = absl::StrCat("k", i);
      const PartitionId partition = PartitionOf(key);
      if (!ring->IsOwner(partition, fallback) && ring->IsOwner(partition, target)) return {partition, BucketId(1), key};
    }
  }

  // Hands the fallback a hint with a version of its own; the ack, if any, lands in `written`.
  void Hint(MemberId fallback, MemberId target, RecordKey key) {
    const uint64_t number = written.size() + 1;
    const Dot dot{{StoreId(1000), Lifetime(number), 1}, 1};
    Object object;
    ObjectBuilder::Add(object, {.dot = dot, .value = absl::StrCat("v", number), .hlc = number});
    written.push_back({key, target, dot});
    HintRequest request{
        .key = key, .epoch = ring->Epoch(key.partition), .target = target, .object = object.Encode(), .needed = 2};
    node(fallback).HandlePeer(
        target, std::move(request), std::chrono::seconds(5),
        [this, index = number - 1](const absl::StatusOr<PeerReply>& reply) { written[index].acked = reply.ok(); });
  }

  uint64_t Acked() const {
    uint64_t acked = 0;
    for (const Written& w : written) acked += w.acked ? 1 : 0;
    return acked;
  }
  // Acknowledged versions that the record at `owner` doesn't cover.
  std::vector<std::string> MissingAt(MemberId owner) {
    std::vector<std::string> missing;
    for (const Written& w : written) {
      if (w.acked && !node(owner).ReadRecord(w.key).vv().Covers(w.dot)) missing.push_back(w.key.key);
    }
    return missing;
  }
  // Lets time pass until the fallback keeps nothing more.
  bool Drained(MemberId fallback, Duration within) {
    return scheduler.RunUntilTrue([&] { return node(fallback).hint_figures().hints == 0; }, scheduler.now() + within);
  }

  SimScheduler scheduler;
  SimRandom random;
  SimNetwork network;
  Monitor monitor;
  std::vector<SeriousEvent> serious;
  RingPtr ring;
  std::vector<std::unique_ptr<SimNode>> nodes;
  std::vector<Written> written;
};

}  // namespace henge::sim
