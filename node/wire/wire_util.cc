#include "node/wire/wire_util.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "node/wire/client_codec.h"

namespace henge {
namespace {

constexpr size_t kMessageBytesMax = 2048;

}  // namespace

absl::Status StatusFromWire(uint32_t code, const std::string& message) {
  if (code == 0) return absl::OkStatus();
  auto known = code <= static_cast<uint32_t>(absl::StatusCode::kUnauthenticated);
  return absl::Status(known ? static_cast<absl::StatusCode>(code) : absl::StatusCode::kUnknown, message);
}

std::string MessageToWire(const absl::Status& status) {
  std::string text(status.message().substr(0, kMessageBytesMax));
  bool plain = std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  if (plain) return text;
  // Escaped byte by byte: the cut above may have gone through a character.
  return absl::CHexEscape(text);
}

uint64_t BudgetToWire(Duration budget) {
  if (budget <= Duration::zero()) return 0;
  auto us = std::chrono::duration_cast<std::chrono::microseconds>(budget).count();
  return std::max<uint64_t>(1, static_cast<uint64_t>(us));
}

Duration BudgetFromWire(uint64_t budget_us) {
  constexpr auto kMaxUs = std::chrono::duration_cast<std::chrono::microseconds>(kWireBudgetMax).count();
  return std::chrono::microseconds(std::min<uint64_t>(budget_us, kMaxUs));
}

}  // namespace henge
