// What is watched while a simulated run goes on: every commit of every node passes by here.
//
// I5  a dot names one version: (actor, counter) -> (key, payload) is a function, across crashes and wipes;
// I6  a replica's context never regresses, but by an injected loss of its disk;
// I12 an acknowledgement is true: so many owners hold the version durably at that instant, so many fallbacks a hint of
//     it, and so many nodes one or the other.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/model/object.h"
#include "storage/store_engine.h"
#include "tests/sim/checkers.h"
#include "tests/sim/hint_ledger.h"
#include "tests/sim/history.h"

namespace henge::sim {

class Monitor {
 public:
  // A record was handed to the node's commit worker.
  void OnCommit(int node, const std::string& key, const Object& object);
  // That record is durable, says the node.
  void OnDurable(int node, const std::string& key, const VersionVector& vv);
  // The node crashed: what was not durable may be gone.
  void OnCrash(int node);
  // The node's disk is empty now: a new store.
  void OnWipe(int node);
  // As these two, for a hint: what a fallback keeps for an owner. Its versions are versions (I5); it may go back, as it
  // is removed once the owner has it (I6 is for records).
  void OnHint(const std::string& key, const Object& object);
  void OnHintDurable(int node, const std::string& key, const VersionVector& vv);
  // The removal of a hint was handed to the node's commit worker; then its end.
  void OnHintRemoval(int node, const HintKey& key);
  void OnHintRemovalEnd(int node, const HintKey& key, bool removed);
  // As the end of a removal; but a mark takes its place (P17). `needed`: the W that the mark was made for.
  void OnHintMarkEnd(int node, const HintKey& key, bool marked, uint32_t needed);
  // A client was told that `mutation` is durable, by the counts in it.
  void OnAck(const MutationRecord& mutation);

  const Violations& violations() const { return violations_; }
  // The dots under which a mutation was minted: more than one after a retry that could not know.
  std::vector<Dot> DotsOf(MutationId id) const;
  // The version that was committed under `dot`, or null.
  const Sibling* VersionOf(const Dot& dot) const;
  // Mutations whose every dot is covered by `vv`, among the tombstones of `key`.
  std::set<MutationId> TombstonesCovered(const std::string& key, const VersionVector& vv) const;
  // Whether the node may have removed a hint for `key`, which its disk then need not hold any more.
  bool MayHaveRemovedHint(int node, const std::string& key) const { return hints_removed_.contains({node, key}); }
  uint64_t dots() const { return dots_.size(); }
  HintLedger& hints() { return hints_; }

 private:
  struct Minting {
    std::string key;
    Sibling sibling;
  };
  using NodeKey = std::pair<int, std::string>;

  void NoteVersions(const std::string& key, const Object& object);
  std::set<int> HoldersOf(const std::vector<Dot>& dots, const std::string& key,
                          const std::map<NodeKey, VersionVector>& durable) const;

  std::map<Dot, Minting> dots_;
  std::map<MutationId, std::vector<Dot>> dots_of_;
  std::map<std::string, std::map<Dot, MutationId>> tombstones_;
  std::map<NodeKey, VersionVector> newest_;
  std::map<NodeKey, VersionVector> durable_;
  std::map<NodeKey, VersionVector> durable_ever_;  // by disks that were wiped since, too
  std::map<NodeKey, VersionVector> hinted_ever_;   // durably, over all targets; delivered ones, too
  std::set<NodeKey> hints_removed_;
  HintLedger hints_;
  Violations violations_;
};

// Bugs that the checkers must catch; planted under the replica, in its engine.
enum class EngineBug : uint8_t {
  kNone,
  kAckBeforeCommit,    // a write is acknowledged when it is handed over, not when it is synced
  kDropSibling,        // of several siblings only the last one is stored, under the full context
  kAbsentOnReadError,  // a broken record reads as absent
  kStaleLeaf,          // a merged record is stored, its Merkle leaf stays
  kForgetWrites,       // one write in eight is acknowledged and not stored
  kForgetVotes,        // a vote on the cluster state is told, and not stored
  kForgetStates,       // a decided cluster state is gone by, and not stored
  kForgetTombstones,   // a record of nothing but tombstones is stored as empty
};

// An engine that shows the monitor what passes, and may have a bug. Owns the real one.
class MonitoredEngine : public StoreEngine {
 public:
  MonitoredEngine(std::unique_ptr<StoreEngine> engine, int node, Monitor& monitor, EngineBug bug)
      : engine_(std::move(engine)), node_(node), monitor_(monitor), bug_(bug) {}

  StoreId store_id() const override { return engine_->store_id(); }
  std::vector<ReadResult> ReadCached(std::span<const RecordKey* const> keys) override;
  void ReadBlocking(std::vector<RecordKey> keys, Executor& loop, ReadDone done) override;
  void Commit(std::vector<CommitItem> items, Executor& loop, CommitDone done) override;
  void Scan(PartitionId partition, std::string cursor, size_t bytes_max, Executor& loop, ScanDone done) override {
    engine_->Scan(partition, std::move(cursor), bytes_max, loop, std::move(done));
  }
  absl::Status OpenTrees(ClusterId cluster) override { return engine_->OpenTrees(cluster); }
  ClusterId tree_key() const override { return engine_->tree_key(); }
  uint64_t ReadRoot(PartitionId partition) const override { return engine_->ReadRoot(partition); }
  PartitionTree ReadTree(PartitionId partition) const override { return engine_->ReadTree(partition); }
  void ScanLeaf(LeafId leaf, std::optional<RecordKey> after, size_t bytes_max, Executor& loop, LeafDone done) override {
    engine_->ScanLeaf(leaf, std::move(after), bytes_max, loop, std::move(done));
  }
  void RewriteLeaf(LeafId leaf, Executor& loop, RewriteDone done) override {
    engine_->RewriteLeaf(leaf, loop, std::move(done));
  }
  absl::StatusOr<std::optional<std::string>> ReadMeta(std::string_view name) override {
    return engine_->ReadMeta(name);
  }
  absl::Status WriteMeta(std::string_view name, std::string_view value) override {
    return engine_->WriteMeta(name, value);
  }
  void CommitMeta(std::string name, std::string value, Executor& loop, MetaDone done) override;
  void RestIfIdle() override { engine_->RestIfIdle(); }
  DiskClass disk_class() const override { return engine_->disk_class(); }
  StoreFigures figures() const override { return engine_->figures(); }
  absl::Status health() const override { return engine_->health(); }
  absl::Status Close() override { return engine_->Close(); }

  // A bug to be planted for one record: the next merge into `key` stores `object` in its place; an empty one ends that.
  void OverwriteNext(const std::string& key, std::string object);

 private:
  void Plant(CommitItem* item);
  void NoteRead(const std::string& key, const ReadResult& result);
  void Spoil(std::vector<ReadResult>* results) const;

  std::unique_ptr<StoreEngine> engine_;
  const int node_;
  Monitor& monitor_;
  const EngineBug bug_;
  std::map<std::string, std::string> overwrites_;
  uint64_t commits_ = 0;
};

}  // namespace henge::sim
