// Bytes as text: keys, values, contexts and cursors may hold any byte, lines and JSON may not.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace henge::cli {

bool IsUtf8(std::string_view bytes);

std::string Base64(std::string_view bytes);
absl::StatusOr<std::string> FromBase64(std::string_view text);

// For one line of a terminal: control characters and what is not UTF-8 are escaped; longer than `width_max` bytes is
// cut.
std::string OneLine(std::string_view bytes, size_t width_max);

// 1.5 MiB
std::string HumanBytes(uint64_t bytes);
// 3 d 4 h, 5 min 2 s, 12 s, 250 ms
std::string HumanDuration(double seconds);
std::string Hex(uint64_t value);

}  // namespace henge::cli
