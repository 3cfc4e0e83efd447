// What the writer stores and the judge expects: a value tells its key and version, and proves that it is whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/model/slot.h"
#include "core/runtime/messages.h"
#include "core/runtime/xoshiro.h"

namespace henge::chaos {

inline constexpr uint32_t kKillKeys = 256;

inline RecordKey KillKey(uint32_t index) {
  std::string key = "key" + std::to_string(index);
  PartitionId partition = PartitionOf(key);
  return {partition, BucketId(1), std::move(key)};
}

// Versions ascend over all lives of the store: (life << 32) + count. Sizes vary; some go to blob files.
inline std::string KillValue(uint32_t index, uint64_t version) {
  uint64_t state = version * kKillKeys + index;
  uint64_t drawn = SplitMix64(&state);
  size_t size = drawn % 64 == 0 ? 20'000 : 40 + drawn % 1200;
  std::string value = std::to_string(version) + ":" + std::to_string(index) + ":";
  while (value.size() < size) {
    uint64_t word = SplitMix64(&state);
    value.append(reinterpret_cast<const char*>(&word), sizeof(word));
  }
  return value;
}

// The version in `value`, if it is a whole value of this key.
inline std::optional<uint64_t> KillVersion(uint32_t index, std::string_view value) {
  uint64_t version = 0;
  for (char c : value.substr(0, value.find(':'))) {
    if (c < '0' || c > '9') return std::nullopt;
    version = version * 10 + static_cast<uint64_t>(c - '0');
  }
  if (value != KillValue(index, version)) return std::nullopt;
  return version;
}

// What the writer says through its pipe for each durable write. Fixed size: a cut one at the end is not an ack.
struct KillAck {
  uint64_t version;
  uint32_t index;
  uint32_t check;  // of the two, so that a misread stream shows

  static uint32_t CheckOf(uint64_t version, uint32_t index) {
    return static_cast<uint32_t>(version * 0x9E3779B97F4A7C15u >> 32) ^ index;
  }
};

}  // namespace henge::chaos
