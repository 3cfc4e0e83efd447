// What nodes and clients say to each other, as plain values. Encoded for the wire by node/wire, in both worlds alike.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "core/model/dot.h"
#include "core/model/ids.h"
#include "core/model/leaf_diff.h"
#include "core/model/limits.h"
#include "core/model/merkle.h"
#include "core/model/mint.h"
#include "core/model/time.h"

namespace henge {

// Where a record lives. `partition` is always PartitionOf(key).
struct RecordKey {
  PartitionId partition;
  BucketId bucket;
  std::string key;

  auto operator<=>(const RecordKey&) const = default;

  template <class H>
  friend H AbslHashValue(H h, const RecordKey& k) {
    return H::combine(std::move(h), k.bucket, k.key);
  }
};

// ---- Client requests
// -------------------------------------------------------------------------------------------------

enum class QuorumMode : uint8_t {
  kSloppy = 0,  // fallbacks may stand in for owners
  kStrict = 1,  // owners only
};

// Per-request choice. 0 = the bucket's default.
struct Consistency {
  uint32_t quorum = 0;  // R of a read, W of a write
  bool has_quorum = false;
  QuorumMode mode = QuorumMode::kSloppy;
};

enum class ClientOp : uint8_t { kGet = 1, kPut = 2, kDelete = 3 };

struct ClientRequest {
  ClientOp op = ClientOp::kGet;
  std::string bucket = "default";
  std::string key;
  std::string value;    // kPut
  std::string context;  // sealed; empty = none
  OpId op_id;           // kPut, kDelete; none = the node makes one (no retry protection)
  bool retry = false;   // the client has sent this op_id before (P8)
  int64_t expires_at_ms = 0;
  Consistency consistency;
  Duration budget{0};  // time left; 0 = the server's default
};

// What is known of a mutation after the reply (P13).
enum class Outcome : uint8_t {
  kApplied = 1,
  kNotApplied = 2,  // failed before the mint: it never takes effect
  kUnknown = 3,     // failed after the mint: it may have taken effect, or may yet
};

// The facts of one request, true at the instant of the reply.
struct ReplyFacts {
  StateVersion state_version;
  uint32_t needed = 0;              // the quorum that was asked for
  uint32_t answered = 0;            // replicas that answered a read in time
  uint32_t stale = 0;               // of those, how many were behind
  uint32_t primaries = 0;           // owners with a durable copy (P10)
  uint32_t fallbacks = 0;           // nodes with a durable hint for an owner
  uint32_t durable = 0;             // distinct nodes with a durable copy
  bool fallback_available = false;  // whether this cluster can use fallbacks at all
  MemberId coordinator;
};

struct ClientReply {
  absl::Status status;
  Outcome outcome = Outcome::kApplied;  // mutations
  std::vector<std::string> values;      // kGet: live siblings, each op_id once (P8), in canonical order
  std::string
      context;  // sealed. kGet: covers `values`, also when not found. Mutations: covers the client's context and
                // the new version, unless that would cover versions that the client has not seen: then empty
  uint32_t siblings = 0;       // live siblings after the operation, as the coordinator knows them
  int64_t retry_after_ms = 0;  // with RESOURCE_EXHAUSTED
  ReplyFacts facts;
};

// ---- Peer requests
// ---------------------------------------------------------------------------------------------------

// What brings a record to a replica. For the log alone: whatever the cause, a merge is a merge (P1).
enum class MergeCause : uint8_t { kWrite = 0, kHint = 1, kReadRepair = 2, kExchange = 3 };

// Merge this whole object into the record (P1). Acked when the result is durable (P11).
struct MergeRequest {
  RecordKey key;
  LayoutEpoch epoch;
  std::string object;           // canonical bytes
  std::optional<Actor> minter;  // the coordinator's actor, for the belt (P7)
  MergeCause cause = MergeCause::kWrite;
};
struct MergeReply {
  uint64_t minter_counter = 0;  // this replica's vv entry for `minter` after the merge
};

// The durable record. With `known_digest`, an equal record is answered as `same`, without its bytes.
struct ReadRequest {
  RecordKey key;
  LayoutEpoch epoch;
  std::optional<uint64_t> known_digest;  // ObjectDigest of the caller's canonical bytes
  bool from_hints = false;    // instead: the merge of the callee's durable hints for the key, over all targets (P12)
  bool for_exchange = false;  // anti-entropy asks: answered by a replica that is recovering, too (P15)
};
struct ReadReply {
  bool found = false;
  bool same = false;
  std::string object;          // canonical bytes, unless !found or same
  std::optional<Mark> mark;    // for explain; local-only, never merged
  uint64_t written_at_ms = 0;  // wall time of the last change here, for explain; 0 = unknown
};

// Keep this whole object for `target`, an owner that did not answer. Acked when the merge of it with what is kept for
// the target already is durable (P16).
struct HintRequest {
  RecordKey key;
  LayoutEpoch epoch;
  MemberId target;
  std::string object;           // canonical bytes
  std::optional<Actor> minter;  // for the belt (P7)
  uint32_t needed = 1;          // W of the write: on how many owners it must be before the hint may go (P17)
};
struct HintReply {
  uint64_t minter_counter = 0;  // the hint's vv entry for `minter` after the merge
};

// A request of a client that reached a node which is no owner.
struct ForwardRequest {
  ClientRequest request;
  bool as_fallback = false;  // no owner was reached: the callee is to coordinate although it is none
};
struct ForwardReply {
  ClientReply reply;
};

// One page of a partition's records, in storage order (segment, bucket id, key), after `cursor` (empty = from the
// start).
struct ScanRequest {
  PartitionId partition;
  LayoutEpoch epoch;
  std::string cursor;      // opaque: storage key of the last record that was returned
  uint32_t bytes_max = 0;  // stop after about this many bytes
};
struct ScannedRecord {
  RecordKey key;
  std::string object;  // canonical bytes
};
struct ScanReply {
  std::vector<ScannedRecord> items;
  std::string cursor;  // where to go on
  bool done = false;   // no record follows
};

// ---- Anti-entropy: the trees of the partitions that caller and callee both own, from the top down.

enum class TreeLevel : uint8_t {
  kGroups = 1,    // the XOR of the roots of each kPartitionsOfGroup neighbouring partitions
  kRoots = 2,     // of the groups in `nodes`
  kBranches = 3,  // of the partitions in `nodes`
  kLeaves = 4,    // of the branches in `nodes`, each partition * kTreeBranches + branch
  kRecords = 5,   // of one leaf in `nodes`: partition * kTreeLeaves + segment
};

inline constexpr int kPartitionsOfGroup = 128;
inline constexpr int kPartitionGroups = kPartitionCount / kPartitionsOfGroup;
// So much of the trees is asked for at once, at most.
inline constexpr size_t kTreeNodesMax = 256;
// More shards than any node has.
inline constexpr uint32_t kTreeStrideMax = 1024;

struct TreeRequest {
  TreeLevel level = TreeLevel::kGroups;
  // `epoch` stands for the layout of all partitions compared: SharedPartitions::digest (node/antientropy).
  TreeParameters parameters;
  // The caller compares the partitions of one of its shards: those that are `first` modulo `stride`.
  uint32_t stride = 1;
  uint32_t first = 0;
  uint64_t known = 0;           // kGroups: the XOR of all of the caller's
  std::vector<uint32_t> nodes;  // ascending
  BucketId after_bucket;        // kRecords: go on after this one, if `after_key` isn't empty
  std::string after_key;
};
struct TreeReply {
  bool same = false;                // kGroups: the callee's have the XOR that the caller knows
  std::vector<uint64_t> hashes;     // those asked for, in order; of a root: shared partitions only, ascending
  std::vector<LeafRecord> records;  // kRecords, in storage order
  bool done = false;                // kRecords: no record follows
};

// What belongs to no partition: for the control loop of the peer. `body` has a codec of its own, with its version.
enum class ControlKind : uint8_t {
  kGossip = 1,   // who is alive: core/model/swim_message.h
  kState = 2,    // agreement on the cluster state
  kLeaves = 3,   // what some leaves of a partition are: node/hints/leaf_message.h
  kRecover = 4,  // a new cluster of the survivors: core/model/survivor_message.h
};
struct ControlRequest {
  ControlKind kind = ControlKind::kGossip;
  std::string body;
};
struct ControlReply {
  std::string body;
};

using PeerRequest =
    std::variant<MergeRequest, ReadRequest, ForwardRequest, ScanRequest, ControlRequest, HintRequest, TreeRequest>;
using PeerReply = std::variant<MergeReply, ReadReply, ForwardReply, ScanReply, ControlReply, HintReply, TreeReply>;

// 64-bit digest of canonical object bytes.
uint64_t ObjectDigest(std::string_view canonical_bytes);

}  // namespace henge
