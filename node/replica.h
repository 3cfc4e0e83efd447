// The replica: one shard's records, served to the coordinator of the same shard and to the peers.
//
// Loop-affine, owned by the shard. Everything enters by Merge or by a mint; the rules P1-P7 and P11 live here.
#pragma once

#include <cstdint>
#include <memory>

#include "coordinator/local_replica.h"
#include "core/model/recovery.h"
#include "core/model/ring.h"
#include "core/runtime/environment.h"
#include "core/runtime/messages.h"
#include "node/stamp_source.h"
#include "storage/replica_store.h"

namespace henge {

struct ReplicaFigures {
  uint64_t mints = 0, merges = 0, merges_without_change = 0, reads = 0;
  uint64_t dot_collisions = 0;  // alarm
  uint64_t undecodable = 0;     // incoming objects refused (P35)
  uint64_t lifetimes_closed = 0;
  uint64_t stamps_ahead = 0;        // merged stamps that were too far ahead to move the clock (P9)
  uint64_t mended = 0;              // broken records written anew from the peers' copies (P35)
  uint64_t fenced = 0;              // requests of another layout epoch
  uint64_t refused_recovering = 0;  // reads that would not have counted (P15)
};

class Replica : public LocalReplica {
 public:
  // Draws the shard's first lifetime from `environment.random`.
  Replica(MemberId self, ShardEnvironment environment, StoreEngine& engine, RingPtr ring, StampStart stamps = {},
          size_t cache_bytes = 0);
  ~Replica() override;

  void UpdateRing(RingPtr ring);
  // Of the partitions that are recovering in it, no read is answered (P15). It outlives the replica.
  void HeedRecovery(const Recovery* recovery);

  // The durable record, whether it counts as an answer or not: for the exchange between replicas.
  void ReadStored(RecordKey key, ReadFn done);

  absl::Status AdmitWrite(bool tombstone) const override;
  void Mint(MintCommand command, MintedFn minted, DurableFn durable) override;
  void Read(RecordKey key, ReadFn done) override;
  void Merge(MergeRequest request, MergeFn done) override;
  void CheckAmnesia(RecordKey key, Dot seen, AmnesiaFn done) override;

  // Serves a peer's MergeRequest, ReadRequest or ScanRequest: fenced by the partition's layout epoch (P33).
  using PeerReplyFn = PeerHandler::ReplyFn;
  void HandlePeer(MemberId from, PeerRequest request, MonotonicTime deadline, PeerReplyFn reply);

  ReplicaFigures figures() const;
  // The shard's one source of stamps.
  StampSource& stamps();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace henge
