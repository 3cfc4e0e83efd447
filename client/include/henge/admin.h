// Questions of operators to a Henge cluster: how a node is doing, how the cluster is laid out, where a key lies.
//
// Plain functions that block; each opens a connection of its own, so that a question about a broken node depends on
// nothing else. `endpoint` is host:port of a node's client port; `endpoints` may be several, separated by commas, of
// which the first that answers is taken.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace henge {

// How a node gets on with another one.
struct PeerView {
  uint32_t member = 0;
  bool connected = false;
  bool disqualified = false;  // too slow or silent: reads and writes go around it
  uint64_t latency_p95_us = 0;
  uint64_t calls = 0;
  uint64_t failures = 0;
  std::string liveness;      // alive, suspect, dead: by gossip; empty from a node that doesn't say
  uint64_t incarnation = 0;  // 0 = nothing heard of it yet
};

// What a node keeps for another one that did not answer.
struct PendingHintsView {
  uint32_t target = 0;
  uint64_t hints = 0;
  uint64_t bytes = 0;
  uint64_t since_ms = 0;  // Unix time: none is older
};

// What a node's last comparisons with one peer saw; a segment is one 256th of a partition.
struct EntropyPeerView {
  struct OfPartition {
    uint32_t partition = 0;
    uint32_t segments = 0;
  };
  uint32_t member = 0;
  uint64_t leaves_differing = 0;
  uint64_t partitions_differing = 0;
  std::vector<OfPartition> partitions;  // those with the most segments that differ
  // The age of the oldest write that only one of the two has: at least since it was found missing, at most since the
  // comparison before; absent = unknown.
  std::optional<uint64_t> oldest_ms;
  std::optional<uint64_t> oldest_max_ms;
  std::optional<uint64_t> finished_ms;     // since the last comparison that was carried through
  std::optional<uint64_t> convergence_ms;  // estimated, at the pace of the repairs so far; absent = unknown
};
// A node's anti-entropy since its start.
struct EntropyView {
  uint64_t rounds = 0, rounds_equal = 0, rounds_failed = 0;
  uint64_t leaves_scanned = 0;
  uint64_t repaired_here = 0, repaired_there = 0;  // records, durably
  uint64_t bytes_moved = 0;
  uint64_t leaves_left = 0;  // to the peer, which was repairing them already
  uint64_t refused = 0;      // comparisons with trees of other parameters
  uint64_t refused_by_peers = 0;
  uint64_t recovering = 0;  // partitions whose reads don't count now
  uint64_t scrub_passes = 0, scrub_records = 0, scrub_leaves_rewritten = 0;
  uint64_t scrub_leaves_unreadable = 0, scrub_leaves_mended = 0;
  std::vector<EntropyPeerView> peers;
};

// What a node says of itself. Counts are since its start.
struct NodeStatus {
  uint32_t member = 0;
  std::string name;
  uint64_t cluster = 0;
  uint64_t store = 0;  // names its data directory
  uint64_t state_version = 0;
  std::string version;  // of the program
  std::string state;    // starting, serving, draining, failed, second, given-up
  std::string disk;     // plenty, control-only, full
  uint64_t uptime_s = 0;
  uint32_t shards = 0;
  uint64_t owned_partitions = 0;
  uint64_t keys_estimate = 0;
  uint64_t data_bytes = 0;
  uint64_t store_memory_bytes = 0;
  uint64_t resident_bytes = 0;
  double cpu_seconds = 0;
  uint64_t gets = 0, puts = 0, deletes = 0, forwarded = 0;
  uint64_t refused = 0;  // for overload
  uint64_t quorum_failures = 0;
  uint64_t hedges = 0;
  uint64_t read_repairs = 0;
  uint64_t blind_writes = 0;
  uint64_t dot_collisions = 0;
  uint64_t quarantined = 0;
  uint64_t commits = 0;  // syncs of the log
  uint64_t commit_records = 0;
  uint64_t gossip_probes = 0, gossip_probes_failed = 0;
  uint64_t gossip_refutations = 0;  // of what others wrongly held of it
  uint64_t gossip_forged = 0;
  uint64_t gossip_bytes_sent = 0;
  uint64_t gossip_bad_messages = 0;
  uint64_t gossip_stalls = 0;  // how often the process stood still
  uint32_t gossip_health = 0;  // 0 is well
  std::vector<PeerView> peers;
  std::vector<PendingHintsView> hints;  // pending, by target
  uint64_t hints_stored = 0, hints_delivered = 0;
  uint64_t hints_redirected = 0;      // of the delivered ones, to who owns the key today
  uint64_t hints_dropped = 0;         // of dropped buckets
  uint64_t hints_refused_full = 0;    // for hints.bytes_max
  uint64_t hints_set_aside = 0;       // broken ones
  uint64_t hints_refused_member = 0;  // for who is no member
  uint64_t hints_bytes_max = 0;
  uint64_t hints_marked = 0;              // given up for dirty marks: enough owners have the record
  uint64_t hint_marks = 0;                // segments that are marked now
  uint64_t hint_marks_cleared = 0;        // since the start
  uint64_t hint_marks_since_ms = 0;       // Unix time of the oldest
  uint64_t second_processes_refused = 0;  // connections of a second live process of a member
  uint64_t foreign_peers_refused = 0;     // of another cluster, protocol or state, or of no member
  uint64_t peer_calls_refused = 0;        // that are no calls of this version
  std::string refused_as_second;          // by which peer this process is refused as such; empty: by none
  EntropyView entropy;
};

absl::StatusOr<NodeStatus> FetchNodeStatus(std::string_view endpoint, std::chrono::milliseconds timeout);

// The cluster state in its canonical encoding.
struct EncodedClusterState {
  std::string state;
  uint64_t version = 0;
  uint64_t digest = 0;
};

absl::StatusOr<EncodedClusterState> FetchClusterState(std::string_view endpoints, std::chrono::milliseconds timeout);

// One version of a key, as one replica has it.
struct VersionView {
  uint64_t dot_store = 0;
  uint64_t dot_lifetime = 0;
  uint64_t dot_epoch = 0;
  uint64_t dot_counter = 0;
  std::string coordinator;  // name of the member that minted it; empty if unknown
  bool tombstone = false;
  uint64_t value_bytes = 0;
  uint64_t value_hash = 0;
  int64_t expires_at_ms = 0;  // Unix time; 0 = never
  uint64_t hlc = 0;           // (wall milliseconds << 16) | logical
  uint64_t op_id_high = 0, op_id_low = 0;
};
struct ContextEntry {
  uint64_t store = 0;
  uint64_t lifetime = 0;
  uint64_t epoch = 0;
  uint64_t counter = 0;
};
struct ReplicaView {
  uint32_t member = 0;
  std::string name;
  absl::Status status;  // of asking it
  bool found = false;
  std::vector<VersionView> siblings;
  std::vector<ContextEntry> context;
  uint64_t written_at_ms = 0;  // Unix time of the last change there; 0 = unknown
  uint64_t digest = 0;         // equal on replicas that hold the same
  uint64_t object_bytes = 0;
};
struct Explanation {
  uint32_t partition = 0;
  uint32_t segment = 0;
  uint64_t layout_epoch = 0;
  uint64_t state_version = 0;
  std::vector<uint32_t> owners;     // the preference list, in order
  std::vector<uint32_t> fallbacks;  // who stands in, in order
  std::vector<ReplicaView> replicas;
  bool replicas_equal = false;
  std::vector<ReplicaView> hints;  // of the fallbacks that keep some for the owners
  uint32_t answered_by = 0;
};

// Where `key` lies, and what each of its owners has of it.
absl::StatusOr<Explanation> ExplainKey(std::string_view endpoints, std::string_view bucket, std::string_view key,
                                       std::chrono::milliseconds timeout);

// A bucket: a namespace of keys with a conflict policy and defaults of its own.
struct BucketView {
  uint32_t id = 0;  // never used again
  std::string name;
  std::string conflict;              // siblings, lww (the last writer wins: concurrent writes are lost)
  uint32_t read_quorum = 0;          // of a call that names none; 0 = a majority
  uint32_t write_quorum = 0;         // 0 = a majority
  std::string mode;                  // sloppy, strict
  std::string durability;            // fsync
  std::chrono::milliseconds ttl{0};  // of a put that names no expiry; 0 = none
};

absl::StatusOr<std::vector<BucketView>> ListBuckets(std::string_view endpoints, std::chrono::milliseconds timeout);

// What a bucket is to be; what is absent or empty stays as it is, or is the default.
struct BucketOptions {
  std::string name;
  std::string conflict;  // when it is made; never changes
  std::optional<uint32_t> read_quorum;
  std::optional<uint32_t> write_quorum;
  std::string mode;
  std::string durability;
  std::optional<std::chrono::milliseconds> ttl;
};

// Each returns the version of the cluster state that holds the change. A node that has not heard of that version yet
// does not know the bucket. ALREADY_EXISTS, NOT_FOUND, INVALID_ARGUMENT: nothing was changed. UNAVAILABLE or
// DEADLINE_EXCEEDED: it may yet be; ask ListBuckets.
absl::StatusOr<uint64_t> CreateBucket(std::string_view endpoints, const BucketOptions& bucket,
                                      std::chrono::milliseconds timeout);
absl::StatusOr<uint64_t> SetBucket(std::string_view endpoints, const BucketOptions& bucket,
                                   std::chrono::milliseconds timeout);
// Its keys are gone for good; a later bucket of the same name starts empty.
absl::StatusOr<uint64_t> DropBucket(std::string_view endpoints, std::string_view name,
                                    std::chrono::milliseconds timeout);

// Binds the members of a first start to their stores although those named in `without` never start: from then on the
// cluster state can be changed. They are bound when they start after all. Returns the version that holds it.
// FAILED_PRECONDITION: one of them has started, the members are bound already, or the rest is no majority; UNAVAILABLE:
// one of the rest is missing.
absl::StatusOr<uint64_t> BootstrapWithout(std::string_view endpoints, const std::vector<std::string>& without,
                                          std::chrono::milliseconds timeout);

// What a new cluster of the survivors of a lost majority does, or has done.
struct RecoverView {
  struct OfMember {
    std::string name;
    bool stays = false;
    bool disk_replaced = false;  // what the disk before held is not there
    uint32_t owned_before = 0;   // partitions
    uint32_t owned_after = 0;
    uint32_t recovering = 0;  // of these, counting for no read until they were compared
  };
  bool done = false;
  bool begun = false;    // by an earlier command, which this one goes on with
  uint64_t cluster = 0;  // the new id; 0 before it is done or begun
  uint64_t state_version = 0;
  std::vector<OfMember> members;         // all that there were
  uint32_t partitions_lost = 0;          // no owner survives: hints of others are all that is left of them
  uint32_t partitions_at_risk = 0;       // as many owners are gone as acknowledge a write
  std::vector<std::string> unconfirmed;  // survivors that take over once they meet the others
};

// Makes a new cluster of `survivors`, or of all members that answer if that is empty; without `force`, only says what
// that would do. The old members are strangers to it afterwards, for ever. To be given again if it was interrupted.
// FAILED_PRECONDITION: a majority answers, one that answers is not named, another member knows more, or another
// recovery is begun; UNAVAILABLE: a survivor does not answer; INVALID_ARGUMENT: no such member.
absl::StatusOr<RecoverView> RecoverCluster(std::string_view endpoints, const std::vector<std::string>& survivors,
                                           bool force, std::chrono::milliseconds timeout);

}  // namespace henge
