#include "storage/synced_mark.h"

#include <rocksdb/file_system.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "core/model/hash.h"
#include "core/model/wire.h"
#include "storage/rocks_status.h"

namespace henge {
namespace {

constexpr size_t kSlotBytes = 16;
constexpr size_t kSlotStride = 512;  // a disk sector: a torn write of one slot spares the other
constexpr uint64_t kChecksumSeed = 0x68656e67652d7379;
constexpr int kSlots = 2;

uint64_t SlotChecksum(std::string_view sequence_bytes) { return Hash64(sequence_bytes, kChecksumSeed); }

void EncodeSlot(uint64_t sequence, char* to) {
  char* end = PutFixed64(to, sequence);
  PutFixed64(end, SlotChecksum({to, sizeof(uint64_t)}));
}

std::optional<uint64_t> DecodeSlot(std::string_view bytes) {
  ByteReader in(bytes);
  uint64_t sequence = in.Fixed64();
  uint64_t checksum = in.Fixed64();
  if (!in.ok() || checksum != SlotChecksum(bytes.substr(0, sizeof(uint64_t)))) return std::nullopt;
  return sequence;
}

rocksdb::IOStatus MakeFile(rocksdb::FileSystem& fs, const std::string& path) {
  std::unique_ptr<rocksdb::FSWritableFile> file;
  rocksdb::IOStatus status = fs.NewWritableFile(path, rocksdb::FileOptions(), &file, nullptr);
  if (status.ok()) status = file->Append(std::string(kSlotStride * kSlots, '\0'), rocksdb::IOOptions(), nullptr);
  if (status.ok()) status = file->Sync(rocksdb::IOOptions(), nullptr);
  if (status.ok()) status = file->Close(rocksdb::IOOptions(), nullptr);
  std::unique_ptr<rocksdb::FSDirectory> directory;
  std::string parent = path.substr(0, path.rfind('/'));
  if (status.ok()) status = fs.NewDirectory(parent, rocksdb::IOOptions(), &directory, nullptr);
  if (status.ok()) status = directory->Fsync(rocksdb::IOOptions(), nullptr);
  return status;
}

}  // namespace

uint64_t SyncedMark::Read(rocksdb::FileSystem& fs, const std::string& path) {
  std::unique_ptr<rocksdb::FSRandomAccessFile> file;
  if (!fs.NewRandomAccessFile(path, rocksdb::FileOptions(), &file, nullptr).ok()) return 0;
  uint64_t last = 0;
  for (int slot = 0; slot < kSlots; ++slot) {
    char buffer[kSlotBytes];
    rocksdb::Slice slice;
    if (!file->Read(slot * kSlotStride, kSlotBytes, rocksdb::IOOptions(), &slice, buffer, nullptr).ok()) continue;
    last = std::max(last, DecodeSlot({slice.data(), slice.size()}).value_or(0));
  }
  return last;
}

absl::StatusOr<std::unique_ptr<SyncedMark>> SyncedMark::Open(std::shared_ptr<rocksdb::FileSystem> fs, std::string path,
                                                             uint64_t last) {
  rocksdb::IOStatus status;
  if (!fs->FileExists(path, rocksdb::IOOptions(), nullptr).ok()) status = MakeFile(*fs, path);
  std::unique_ptr<rocksdb::FSRandomRWFile> file;
  if (status.ok()) status = fs->NewRandomRWFile(path, rocksdb::FileOptions(), &file, nullptr);
  if (!status.ok()) return FromRocks(status, "can't open " + path);
  return std::unique_ptr<SyncedMark>(new SyncedMark(std::move(fs), std::move(file), last));
}

SyncedMark::SyncedMark(std::shared_ptr<rocksdb::FileSystem> fs, std::unique_ptr<rocksdb::FSRandomRWFile> file,
                       uint64_t last)
    : fs_(std::move(fs)), file_(std::move(file)), last_(last) {}

SyncedMark::~SyncedMark() = default;

void SyncedMark::Note(uint64_t sequence) {
  if (broken_ || sequence <= last_) return;
  char buffer[kSlotBytes];
  EncodeSlot(sequence, buffer);
  rocksdb::IOStatus status = file_->Write(static_cast<uint64_t>(slot_) * kSlotStride,
                                          rocksdb::Slice(buffer, kSlotBytes), rocksdb::IOOptions(), nullptr);
  broken_ = !status.ok();
  last_ = sequence;
  slot_ = (slot_ + 1) % kSlots;
}

}  // namespace henge
