// What the clients of a simulated run do: blind puts, read-modify-writes, deletes and reads of few keys, with values
// that occur once. Writes the history that the checkers judge.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/model/ring.h"
#include "tests/sim/history.h"
#include "tests/sim/monitor.h"
#include "tests/sim/sim_client.h"
#include "tests/sim/sim_random.h"

namespace henge::sim {

struct WorkloadOptions {
  std::string bucket = "default";
  int first_client = 0;  // numbers clients and their hosts, in a run with several workloads
  int clients = 3;
  int keys = 6;
  int ops_per_client = 40;
  // Shares of 100; the rest are plain reads.
  uint32_t blind_puts = 20, updates = 40, deletes = 15, plain_deletes = 5;
  // Whether plain deletes go to the server without a context, once; else the client reads first, as the SDK does. One
  // that the network repeats after its ack covers what a read shows then, so not where messages are duplicated.
  bool server_deletes = false;
  // Whether "not applied" is the last word on a write. A request that the network repeats runs twice, and the second
  // run may be refused (for want of room, of owners in reach, or for its stamp in a last-writer-wins bucket) while the
  // first is under way or applied. Nobody but who sent it twice could tell.
  bool refusals_are_final = true;
  uint32_t chained = 30;      // of 100 updates: those that use the context of the client's own last write
  uint32_t retries = 60;      // of 100 writes of unknown outcome: those that are sent again, elsewhere
  uint32_t w = 0, r = 0;      // 0 = the default
  uint32_t strict_reads = 0;  // of 100
  // Every request is strict, but for so many of 100 writes; with R + W > N each key is then a register (I20).
  bool strict = false;
  uint32_t sloppy_writes = 0;
  bool one_writer = false;  // of each key; the others only read it
  // Of 100 deletes that were acknowledged: those after which the key is left alone, and another takes its place. Only
  // such a key can show at the end that its delete was undone (I7). Few in one run, so that all of it has some.
  uint32_t laid_to_rest = 60;
  size_t padding_max = 64;
  size_t padding_large = 0;  // now and then; 0 = never
  Duration think_time_mean = std::chrono::milliseconds(20);
  Duration timeout = std::chrono::seconds(2);
};

class Workload {
 public:
  Workload(WorkloadOptions options, uint64_t seed, SimScheduler& scheduler, SimNetwork& network, RingPtr ring,
           History& history, Monitor& monitor);

  void Start();
  // `seen` runs at the instant of each acknowledgement.
  void OnAck(std::function<void(const MutationRecord&)> seen) { on_ack_ = std::move(seen); }
  bool finished() const { return running_ == 0; }

  // Reads `key` at `node` from all replicas, again until it is answered or `attempts` are spent; `done` gets whether.
  void FinalRead(const std::string& key, MemberId node, int attempts, std::function<void(bool)> done);

  std::vector<std::string> Keys() const;
  uint64_t acked() const { return acked_; }
  BucketId bucket() const { return bucket_; }

 private:
  struct Chain {
    std::string context;
    std::set<MutationId> observed;
    std::set<MutationId> in_passing;  // of these
  };
  struct Write {
    MutationId id = 0;
    int client = 0;
    int attempts_left = 0;
    ClientRequest request;
  };

  ClientRequest RequestOf(ClientOp op, const std::string& key) const;
  bool WritesTo(int client, uint64_t key) const;
  bool CoversPast(const VersionVector& vv, MutationId writer) const;
  void AddDeletes(const std::string& key, const VersionVector& vv, Chain* chain) const;
  void Next(int client);
  void Think(int client);
  void Read(int client, const std::string& key, std::function<void(const Chain&)> then);
  void StartWrite(int client, const std::string& key, bool is_delete, const Chain* seen);
  void SendWrite(Write write);
  void OnWriteDone(Write write, absl::StatusOr<ClientReply> reply);
  std::optional<Chain> RecordRead(int client, const std::string& key, bool final, uint32_t r, MonotonicTime invoked,
                                  const absl::StatusOr<ClientReply>& reply);

  MonotonicTime Now() const { return MonotonicTime(scheduler_.now().time_since_epoch()); }
  MemberId AnyNode() { return MemberId(static_cast<uint32_t>(1 + random_.Below(ring_->state().members.size()))); }
  // What the n-th key is called now, or was as the generation-th of its kind.
  std::string KeyOf(uint64_t n) const { return KeyOf(n, generations_[n]); }
  std::string KeyOf(uint64_t n, int generation) const;
  void LayToRest(const std::string& key);
  int Session(int client) const { return options_.first_client + client; }

  const WorkloadOptions options_;
  const uint64_t seed_;
  const BucketId bucket_;
  SimScheduler& scheduler_;
  std::vector<std::unique_ptr<SimClient>> clients_;
  const RingPtr ring_;
  History& history_;
  Monitor& monitor_;
  SimRandom random_;
  std::function<void(const MutationRecord&)> on_ack_;
  int running_ = 0;
  uint64_t acked_ = 0;
  std::vector<int> ops_left_;
  std::vector<int> generations_;  // of each key, how many were laid to rest before
  MonotonicTime next_rest_at_{};
  std::map<std::pair<int, std::string>, Chain>
      chains_;  // each client's last write of a key, if its context may be used
};

}  // namespace henge::sim
