#include "cli/encoding.h"

#include <cstdint>
#include <iterator>

#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"
#include "client/src/text.h"

namespace henge::cli {
namespace {

using sdk::AbslText;

// The length of the well-formed sequence at the start of `bytes`, 0 if there is none (Unicode 15, table 3-7).
size_t SequenceLength(std::string_view bytes) {
  auto at = [&](size_t i) { return i < bytes.size() ? static_cast<uint8_t>(bytes[i]) : uint8_t{0}; };
  auto continues = [&](size_t i) { return (at(i) & 0xc0) == 0x80; };
  uint8_t first = at(0);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  if (first < 0xe0) return continues(1) ? 2 : 0;
  uint8_t second = at(1);
  if (!continues(1) || !continues(2)) return 0;
  if (first < 0xf0) {
    bool overlong = first == 0xe0 && second < 0xa0;
    bool surrogate = first == 0xed && second > 0x9f;
    return overlong || surrogate ? 0 : 3;
  }
  bool out_of_range = (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f);
  return !continues(3) || out_of_range ? 0 : 4;
}

}  // namespace

bool IsUtf8(std::string_view bytes) {
  while (!bytes.empty()) {
    size_t length = SequenceLength(bytes);
    if (length == 0) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

std::string Base64(std::string_view bytes) { return absl::Base64Escape(AbslText(bytes)); }

absl::StatusOr<std::string> FromBase64(std::string_view text) {
  std::string bytes;
  if (absl::Base64Unescape(AbslText(text), &bytes)) return bytes;
  return absl::InvalidArgumentError("it is not base64");
}

std::string OneLine(std::string_view bytes, size_t width_max) {
  std::string line;
  while (!bytes.empty()) {
    size_t length = SequenceLength(bytes);
    bool plain = length > 1 || (length == 1 && bytes[0] >= 0x20 && bytes[0] != 0x7f);
    size_t step = length == 0 ? 1 : length;
    std::string piece = plain ? std::string(bytes.substr(0, step)) : absl::CHexEscape(AbslText(bytes.substr(0, step)));
    if (line.size() + piece.size() > width_max) return line + "...";
    line += piece;
    bytes.remove_prefix(step);
  }
  return line;
}

std::string HumanBytes(uint64_t bytes) {
  const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  auto amount = static_cast<double>(bytes);
  size_t unit = 0;
  while (amount >= 1024 && unit + 1 < std::size(units)) {
    amount /= 1024;
    ++unit;
  }
  if (unit == 0) return absl::StrFormat("%d B", bytes);
  return absl::StrFormat("%.1f %s", amount, units[unit]);
}

std::string HumanDuration(double seconds) {
  if (seconds > 0 && seconds < 1) return absl::StrFormat("%.0f ms", seconds * 1e3);
  auto whole = static_cast<uint64_t>(seconds);
  if (whole < 60) return absl::StrFormat("%d s", whole);
  if (whole < 3600) return absl::StrFormat("%d min %d s", whole / 60, whole % 60);
  if (whole < 86400) return absl::StrFormat("%d h %d min", whole / 3600, whole % 3600 / 60);
  return absl::StrFormat("%d d %d h", whole / 86400, whole % 86400 / 3600);
}

std::string Hex(uint64_t value) { return absl::StrFormat("%016x", value); }

}  // namespace henge::cli
