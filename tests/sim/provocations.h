// Situations that random faults reach too seldom, provoked in some of the seeds: each of them could happen, at that
// instant, to any cluster.
//
//   blackout        every node loses power at once (H16)
//   clock           a node that keeps hints finds its wall clock ten hours later (H21); where clocks jump anyway
//   expiring keys   values replaced by ones that expire soon, read and repaired all the while (H23, H24)
//   strange trees   a peer asks for the trees of another format (H27)
//   drift           a leaf that is not that of its records (H28)
//   late news       a hint comes to an owner that has taken part in the delete of its value (H19); or, where there are
//                   no fallbacks, an owner misses a delete, and nobody reads (H22)
//
// Owned by the world; acts in events of the scheduler, until the heal.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/model/ring.h"
#include "tests/sim/checkers.h"
#include "tests/sim/sim_client.h"
#include "tests/sim/sim_node.h"
#include "tests/sim/sim_random.h"
#include "tests/sim/sim_tracer.h"
#include "tests/sim/world.h"

namespace henge::sim {

// What a seed provokes.
struct ProvocationOptions {
  bool blackout = false, clock = false, expiring = false, strange_trees = false, drift = false, late_news = false;

  static ProvocationOptions Of(const WorldOptions& options);
  // A scrub that finds the drifted leaf within the run; else the usual one.
  ScrubOptions Scrub() const;
};

struct ProvocationPlace {
  SimScheduler& scheduler;
  SimNetwork& network;
  RingPtr ring;
  std::vector<std::unique_ptr<SimNode>>& nodes;
  std::vector<SeriousEvent>& serious;
  const Monitor& monitor;
  std::function<void(size_t)> restart_later;
  std::function<void(const std::string&)> show;
};

class Provocations {
 public:
  // `key` is one that the workload uses.
  Provocations(const WorldOptions& options, ProvocationPlace place, std::string key);

  void Start();
  // Whether `event` is what it had to come to.
  bool Explains(const SeriousEvent& event) const { return what_.drift && event.event == "LeafDrifted"; }
  // What it has written, or tried to.
  std::vector<std::string> Keys() const;
  // Cuts nothing from now on.
  void Heal() { healed_ = true; }
  // After the heal: what was provoked has done no harm.
  void Finish(Violations* out);

 private:
  // A key whose value shall be gone in the end.
  struct Fleeting {
    std::string key;
    bool gone = false;  // says an ack: it was deleted, or replaced by one that expires
    MutationId replaced = 0;
  };

  void Blackout();
  void AwaitHints();
  void AskStrangely();
  void Drift();
  void PutLasting(size_t index);
  void PutExpiring(size_t index, std::string context);
  void ReadExpiring(size_t index);
  void LateNews();
  bool HasFallbacks() const;
  void DeleteLate(const std::string& context);
  void CutTarget(bool cut, bool from_owners);
  void CheckGone(const std::string& key, Violations* out);
  ClientRequest RequestOf(ClientOp op, const std::string& key) const;
  // Of no client of the workload.
  OpId NextOpId();
  MemberId AnyNode() { return MemberId(static_cast<uint32_t>(1 + random_.Below(place_.nodes.size()))); }
  void At(Duration latest, Closure event) {
    place_.scheduler.After(random_.Between(Duration(0), latest), std::move(event));
  }

  const WorldOptions& options_;
  const ProvocationOptions what_;
  const ProvocationPlace place_;
  const std::string key_;
  SimRandom random_;
  SimTracer tracer_;
  SimClient client_;
  SimTime ends_at_{};
  uint64_t op_ids_ = 0;
  std::vector<Fleeting> expiring_;
  Fleeting late_;
  bool healed_ = false;
  Violations violations_;
};

}  // namespace henge::sim
