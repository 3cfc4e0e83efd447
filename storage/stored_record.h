// The bytes that stand in the store under a key (docs/FORMAT.md, "Stored record"): an envelope around the object.
//
// Its checksum is seeded by the storage key, so that a record under a wrong key fails as a broken one does. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/model/mint.h"
#include "core/model/wire.h"
#include "storage/store_engine.h"

namespace henge {

inline constexpr uint8_t kStoredRecordVersion = 1;

// What precedes the object. Made on the stack, so that the object's bytes are not copied to be stored.
class RecordHeader {
 public:
  RecordHeader(std::string_view storage_key, const StoredRecord& record);
  std::string_view bytes() const { return {buffer_, size_}; }

  // Version, checksum, flags, time; then a mark's lifetime, epoch and counter.
  static constexpr size_t kBytesMax = 1 + 8 + 1 + 8 + 8 + 2 * kVarintBytesMax;

 private:
  char buffer_[kBytesMax];
  size_t size_ = 0;
};

// DATA_LOSS, saying what is wrong, for what is not a whole record of `storage_key`.
absl::StatusOr<StoredRecord> DecodeStoredRecord(std::string_view storage_key, std::string_view bytes);

}  // namespace henge
