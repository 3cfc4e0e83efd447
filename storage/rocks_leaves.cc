// The leaves' column family: read into memory at the open, made by a scan where a store has none, and computed anew.
#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/model/limits.h"
#include "core/model/wire.h"
#include "core/runtime/status_macros.h"
#include "storage/key_format.h"
#include "storage/rocks_engine.h"
#include "storage/rocks_options.h"
#include "storage/rocks_status.h"

namespace henge {
namespace {

constexpr char kTreesName[] = "trees";
// Of the record hash and the leaves' keys and values.
constexpr uint8_t kTreesVersion = 1;
constexpr size_t kBatchBytesMax = size_t{1} << 20;

std::string HashBytes(uint64_t hash) {
  std::string bytes;
  ByteWriter(&bytes).Fixed64(hash);
  return bytes;
}

std::string TreesNote(ClusterId cluster) {
  std::string bytes;
  ByteWriter out(&bytes);
  out.Byte(kTreesVersion);
  out.Fixed64(cluster.value());
  return bytes;
}

}  // namespace

// Leaves are made from records, so that damage to them is no loss: they are made anew.
absl::Status RocksEngine::OpenTrees(ClusterId cluster) {
  HENGE_ASSIGN_OR_RETURN(std::optional<std::string> note, ReadMeta(kTreesName));
  const bool kept = note.has_value() && !note->empty();
  if (kept && *note != TreesNote(cluster)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the Merkle trees in ", parts_.dir->path(),
        " are of another cluster, or of a version that this program doesn't know: use the henged that wrote them"));
  }
  tree_key_ = cluster;
  leaves_.Clear();
  if (!kept) return MakeTrees();
  absl::Status loaded = LoadTrees();
  if (!absl::IsDataLoss(loaded)) return loaded;
  tracer_.Event(Severity::kAlarm, "LeavesBroken", {{"why", std::string(loaded.message())}});
  leaves_.Clear();
  return MakeTrees();
}

absl::Status RocksEngine::LoadTrees() {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  std::unique_ptr<rocksdb::Iterator> at(parts_.db->NewIterator(options, leaves_family()));
  for (at->SeekToFirst(); at->Valid(); at->Next()) {
    ByteReader value(at->value().ToStringView());
    const uint64_t hash = value.Fixed64();
    const std::string_view key = at->key().ToStringView();
    const bool whole = value.AtEnd() && key.size() == kLeafKeyBytes;
    if (!whole || LeafOfKey(key).partition.value() >= kPartitionCount) {
      return absl::DataLossError(
          absl::StrCat("a leaf of the Merkle trees in ", parts_.dir->path(), " is damaged: ", kDamageAdvice));
    }
    leaves_.Set(LeafOfKey(key), hash);
  }
  return FromRocks(at->status(), "can't read the leaves of the Merkle trees");
}

// A crash in the middle leaves no note: the next open begins anew.
absl::Status RocksEngine::MakeTrees() {
  HENGE_RETURN_IF_ERROR(EmptyLeaves());
  ScanForTrees();
  rocksdb::WriteBatch batch;
  for (int partition = 0; partition < kPartitionCount; ++partition) {
    if (!leaves_.Has(PartitionId(static_cast<uint16_t>(partition)))) continue;
    for (int segment = 0; segment < kTreeLeaves; ++segment) {
      const LeafId leaf{PartitionId(static_cast<uint16_t>(partition)), static_cast<uint8_t>(segment)};
      if (leaves_.Leaf(leaf) == 0) continue;
      batch.Put(leaves_family(), LeafKey(leaf), HashBytes(leaves_.Leaf(leaf)));
    }
    if (batch.GetDataSize() < kBatchBytesMax) continue;
    HENGE_RETURN_IF_ERROR(WriteSynced(parts_, &batch));
    batch.Clear();
  }
  HENGE_RETURN_IF_ERROR(WriteSynced(parts_, &batch));
  return WriteMeta(kTreesName, TreesNote(tree_key_));
}

// As a family, not key by key: what is in it may not be readable.
absl::Status RocksEngine::EmptyLeaves() {
  {
    std::unique_ptr<rocksdb::Iterator> at(parts_.db->NewIterator(rocksdb::ReadOptions(), leaves_family()));
    at->SeekToFirst();
    if (!at->Valid() && at->status().ok()) return absl::OkStatus();
  }
  HENGE_RETURN_IF_ERROR(WriteMeta(kTreesName, ""));
  const rocksdb::ColumnFamilyOptions options(parts_.db->GetOptions(leaves_family()));
  rocksdb::Status status = parts_.db->DropColumnFamily(leaves_family());
  if (!status.ok()) return FromRocks(status, "can't drop the leaves of the Merkle trees");
  parts_.families.pop_back();
  rocksdb::ColumnFamilyHandle* made = nullptr;
  status = parts_.db->CreateColumnFamily(options, kLeavesFamily, &made);
  if (!status.ok()) return FromRocks(status, "can't make room for the leaves of the Merkle trees");
  parts_.families.emplace_back(made);
  return absl::OkStatus();
}

// What can't be read is left out, with the rest of its partition: the trees then differ from the peers', who have it.
void RocksEngine::ScanForTrees() {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  std::unique_ptr<rocksdb::Iterator> at(parts_.db->NewIterator(options));
  const std::string end = PartitionBegin(PartitionId(kPartitionCount));
  uint32_t next = 0;  // the partition to go on with if this one can't be read
  at->SeekToFirst();
  while (next < kPartitionCount) {
    if (!at->Valid() && !at->status().ok()) {
      tracer_.Event(Severity::kAlarm, "PartitionUnreadable",
                    {{"partition", uint64_t{next}}, {"why", at->status().ToString()}});
      at->Seek(PartitionBegin(PartitionId(static_cast<uint16_t>(++next))));
      continue;
    }
    if (!at->Valid() || at->key().ToStringView() >= end) return;
    const LeafId leaf = LeafOfKey(at->key().ToStringView());
    next = leaf.partition.value();
    std::optional<LeafRecord> record = HashStored(at->key().ToStringView(), at->value().ToStringView());
    if (record.has_value()) leaves_.Set(leaf, leaves_.Leaf(leaf) ^ record->hash);
    at->Next();
  }
}

// On the commit worker, as Rewrite: no record changes meanwhile.
absl::StatusOr<uint64_t> RocksEngine::HashOfLeaf(LeafId leaf) {
  const std::string end = SegmentEnd(leaf);
  const rocksdb::Slice end_slice = end;
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &end_slice;
  options.fill_cache = false;
  std::unique_ptr<rocksdb::Iterator> at(parts_.db->NewIterator(options));
  uint64_t hash = 0;
  for (at->Seek(SegmentBegin(leaf)); at->Valid(); at->Next()) {
    std::optional<LeafRecord> record = HashStored(at->key().ToStringView(), at->value().ToStringView());
    if (record.has_value()) hash ^= record->hash;
  }
  HENGE_RETURN_IF_ERROR(FromRocks(at->status(), "can't scan a leaf"));
  return hash;
}

absl::StatusOr<uint64_t> RocksEngine::Rewrite(LeafId leaf) {
  HENGE_RETURN_IF_ERROR(parts_.sticky->Get());
  if (tree_key_ == ClusterId{}) return absl::FailedPreconditionError("this store keeps no trees yet");
  HENGE_ASSIGN_OR_RETURN(const uint64_t hash, HashOfLeaf(leaf));
  const uint64_t wrong = leaves_.Leaf(leaf) ^ hash;
  if (wrong == 0) return 0;
  rocksdb::WriteBatch batch;
  batch.Put(leaves_family(), LeafKey(leaf), HashBytes(hash));
  HENGE_RETURN_IF_ERROR(WriteSynced(parts_, &batch));
  leaves_.Set(leaf, hash);
  parts_.synced->Note(parts_.db->GetLatestSequenceNumber());
  return wrong;
}

}  // namespace henge
