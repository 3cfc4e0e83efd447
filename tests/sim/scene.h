// A cluster that a test directs by hand: whole nodes on simulated disks and links, one client, and the events of all
// logs.
//
// Every call that waits lets virtual time pass. Hosts and members are numbered from 1.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/model/ring.h"
#include "core/model/slot.h"
#include "tests/sim/monitor.h"
#include "tests/sim/sim_client.h"
#include "tests/sim/sim_network.h"
#include "tests/sim/sim_node.h"
#include "tests/sim/sim_random.h"
#include "tests/sim/sim_scheduler.h"

namespace henge::sim {

struct SceneOptions {
  uint64_t seed = 1;
  int nodes = 5;
  int shards = 1;
  uint32_t replicas = 3;
  SimLinkOptions link;
  SwimSettings gossip;
  EngineBug bug = EngineBug::kNone;
  AntiEntropyOptions anti_entropy;
  ScrubOptions scrub;
  Duration background_interval = std::chrono::milliseconds(2);
  uint64_t events_max = uint64_t{50} * 1000 * 1000;
};

// What a client asks for beside a key.
struct Ask {
  std::string context;
  uint32_t quorum = 0;  // 0 = the bucket's
  bool strict = false;
  int64_t expires_at_ms = 0;
  OpId op_id;
  std::string bucket = "default";
  Duration patience = std::chrono::seconds(3);
};

class Scene {
 public:
  explicit Scene(SceneOptions options = {});

  SimScheduler& scheduler() { return scheduler_; }
  SimNetwork& network() { return network_; }
  SimNode& node(int number) { return *nodes_[static_cast<size_t>(number - 1)]; }
  const Ring& ring() const { return *ring_; }
  Monitor& monitor() { return monitor_; }

  void Run(Duration time) { scheduler_.RunFor(time); }
  bool Until(const std::function<bool()>& done, Duration limit) {
    return scheduler_.RunUntilTrue(done, scheduler_.now() + limit);
  }
  // Milliseconds since the epoch, by clocks that never jumped.
  int64_t WallMs() const;

  // ---- keys

  RecordKey At(const std::string& key) const { return {PartitionOf(key), BucketId(1), key}; }
  // The owners of a key, in order, and who is none.
  std::vector<int> Owners(const std::string& key) const;
  std::vector<int> Others(const std::string& key) const;

  // ---- requests, answered before the call returns; a status of the request itself if there is no reply

  ClientReply Put(int node, const std::string& key, const std::string& value, const Ask& ask = {});
  ClientReply Delete(int node, const std::string& key, const Ask& ask = {});
  ClientReply Get(int node, const std::string& key, const Ask& ask = {});
  // Sends it and lets no time pass; what comes back is dropped.
  void Send(int node, ClientRequest request);
  ClientRequest RequestOf(ClientOp op, const std::string& key, const std::string& value, const Ask& ask) const;
  // A change of the cluster state, proposed at `node`.
  absl::Status Change(int node, const StateChange& change);

  // ---- faults

  void Cut(int from, int to) { network_.Cut(static_cast<HostId>(from), static_cast<HostId>(to)); }
  void CutBoth(int a, int b) { Cut(a, b), Cut(b, a); }
  void Isolate(int node);
  void Heal() { network_.Heal(); }
  void Start(int node);

  // ---- what is there

  Object Record(int node, const std::string& key) { return nodes_[static_cast<size_t>(node - 1)]->ReadRecord(At(key)); }
  bool OwnersEqual(const std::string& key);
  uint64_t Hints();
  // Events of a node, 0 = of any.
  int Count(const std::string& event, int node = 0) const;
  void Forget() { lines_.clear(); }
  // Alarms, but for those of one kind that the test has planned; violations that the monitor saw.
  std::vector<std::string> Troubles(const std::string& planned = "") const;

 private:
  ClientReply Call(int node, const ClientRequest& request, Duration patience);

  SimScheduler scheduler_;
  SimRandom random_;
  SimNetwork network_;
  Monitor monitor_;
  std::vector<SeriousEvent> serious_;
  std::vector<std::string> lines_;
  RingPtr ring_;
  std::vector<std::unique_ptr<SimNode>> nodes_;
  SimClient client_;
  mutable uint64_t op_ids_ = 0;
};

}  // namespace henge::sim
