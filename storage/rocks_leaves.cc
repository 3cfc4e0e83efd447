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
#include "storage/rocks_status.h"

namespace henge {
namespace {

constexpr char kTreesName[] = "trees";
// Of the record hash and the leaves' keys and values.
constexpr uint8_t kTreesVersion = 1;
constexpr size_t kBatchBytesMax = size_t{1} << 20;

std::string_view View(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

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

absl::Status RocksEngine::OpenTrees(ClusterId cluster) {
  HENGE_ASSIGN_OR_RETURN(std::optional<std::string> note, ReadMeta(kTreesName));
  if (note.has_value() && *note != TreesNote(cluster)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the Merkle trees in ", parts_.dir->path(),
        " are of another cluster, or of a version that this program doesn't know: use the henged that wrote them"));
  }
  tree_key_ = cluster;
  leaves_.Clear();
  return note.has_value() ? LoadTrees() : ScanForTrees();
}

absl::Status RocksEngine::LoadTrees() {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  std::unique_ptr<rocksdb::Iterator> at(parts_.db->NewIterator(options, leaves_family()));
  for (at->SeekToFirst(); at->Valid(); at->Next()) {
    ByteReader value(View(at->value()));
    const uint64_t hash = value.Fixed64();
    const std::string_view key = View(at->key());
    const bool whole = value.AtEnd() && key.size() == kLeafKeyBytes;
    if (!whole || LeafOfKey(key).partition.value() >= kPartitionCount) {
      return absl::DataLossError(
          absl::StrCat("a leaf of the Merkle trees in ", parts_.dir->path(), " is damaged: ", kDamageAdvice));
    }
    leaves_.Set(LeafOfKey(key), hash);
  }
  return FromRocks(at->status(), "can't read the leaves of the Merkle trees");
}

// A crash in the middle leaves no note: the next open begins anew. The note is written with the last leaves.
absl::Status RocksEngine::ScanForTrees() {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  std::unique_ptr<rocksdb::Iterator> at(parts_.db->NewIterator(options));
  const std::string end = PartitionBegin(PartitionId(kPartitionCount));
  for (at->SeekToFirst(); at->Valid() && View(at->key()) < end; at->Next()) {
    std::optional<LeafRecord> record = HashStored(View(at->key()), View(at->value()));
    if (!record.has_value()) continue;
    const LeafId leaf = LeafOfKey(View(at->key()));
    leaves_.Set(leaf, leaves_.Leaf(leaf) ^ record->hash);
  }
  HENGE_RETURN_IF_ERROR(FromRocks(at->status(), "can't read the records for their Merkle trees"));
  rocksdb::WriteBatch batch;
  // One by one: a range deletion doesn't go with the memtable's insert hint.
  at.reset(parts_.db->NewIterator(options, leaves_family()));
  for (at->SeekToFirst(); at->Valid(); at->Next()) batch.Delete(leaves_family(), at->key());
  HENGE_RETURN_IF_ERROR(FromRocks(at->status(), "can't read the leaves of the Merkle trees"));
  for (int partition = 0; partition < kPartitionCount; ++partition) {
    if (!leaves_.Has(PartitionId(static_cast<uint16_t>(partition)))) continue;
    for (int segment = 0; segment < kTreeLeaves; ++segment) {
      const LeafId leaf{PartitionId(static_cast<uint16_t>(partition)), static_cast<uint8_t>(segment)};
      if (leaves_.Leaf(leaf) == 0) continue;
      batch.Put(leaves_family(), LeafKey(leaf), HashBytes(leaves_.Leaf(leaf)));
    }
    if (batch.GetDataSize() < kBatchBytesMax) continue;
    HENGE_RETURN_IF_ERROR(WriteSynced(&batch));
    batch.Clear();
  }
  HENGE_RETURN_IF_ERROR(WriteSynced(&batch));
  return WriteMeta(kTreesName, TreesNote(tree_key_));
}

// On the commit worker: no record changes meanwhile.
absl::StatusOr<uint64_t> RocksEngine::Rewrite(LeafId leaf) {
  HENGE_RETURN_IF_ERROR(parts_.sticky->Get());
  if (tree_key_ == ClusterId{}) return absl::FailedPreconditionError("this store keeps no trees yet");
  const std::string end = SegmentEnd(leaf);
  const rocksdb::Slice end_slice = end;
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &end_slice;
  options.fill_cache = false;
  std::unique_ptr<rocksdb::Iterator> at(parts_.db->NewIterator(options));
  uint64_t hash = 0;
  for (at->Seek(SegmentBegin(leaf)); at->Valid(); at->Next()) {
    std::optional<LeafRecord> record = HashStored(View(at->key()), View(at->value()));
    if (record.has_value()) hash ^= record->hash;
  }
  HENGE_RETURN_IF_ERROR(FromRocks(at->status(), "can't scan a leaf"));
  const uint64_t wrong = leaves_.Leaf(leaf) ^ hash;
  if (wrong == 0) return 0;
  rocksdb::WriteBatch batch;
  batch.Put(leaves_family(), LeafKey(leaf), HashBytes(hash));
  HENGE_RETURN_IF_ERROR(WriteSynced(&batch));
  leaves_.Set(leaf, hash);
  parts_.synced->Note(parts_.db->GetLatestSequenceNumber());
  return wrong;
}

}  // namespace henge
