// The bytes of a hint in its store (docs/FORMAT.md, "Stored hint"). Pure; internal to storage.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "storage/hint_store.h"

namespace henge {

inline constexpr uint8_t kStoredHintVersion = 1;
inline constexpr uint8_t kMarksVersion = 1;
inline constexpr size_t kHintKeyHeaderBytes = 4 + 2 + 4;

// Big-endian (target, partition, bucket id, key): the hints for one target are one range.
std::string EncodeHintKey(const HintKey& key);
// DATA_LOSS if `bytes` is the key of no hint.
absl::StatusOr<HintKey> DecodeHintKey(std::string_view bytes);

// Where the hints of (target, partition) begin; those of a target begin at its partition 0.
std::string HintRangeBegin(MemberId target, uint32_t partition);
// Behind every hint for `target`.
std::string HintRangeEnd(MemberId target);

// Where a broken hint's bytes are kept: behind all hints.
std::string AsideKey(std::string_view hint_key);
std::string AsideBegin();

std::string EncodeStoredHint(std::string_view hint_key, const StoredHint& hint);
// DATA_LOSS for what is not a whole hint under `hint_key`.
absl::StatusOr<StoredHint> DecodeStoredHint(std::string_view hint_key, std::string_view bytes);

// The marks of a partition: between the hints and what is set aside.
std::string MarksBegin();
std::string MarksKey(PartitionId partition);
absl::StatusOr<PartitionId> DecodeMarksKey(std::string_view bytes);
std::string EncodeMarks(std::string_view marks_key, const MarkedPartition& marks);
absl::StatusOr<MarkedPartition> DecodeMarks(std::string_view marks_key, std::string_view bytes);

}  // namespace henge
