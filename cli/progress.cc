#include "cli/progress.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/encoding.h"

namespace henge::cli {
namespace {

constexpr int kBarWidth = 24;
constexpr std::chrono::milliseconds kRedraw{100};
constexpr char kClearLine[] = "\r\033[K";

}  // namespace

std::string ProgressLine(const ProgressState& state, const std::string& unit) {
  std::string line;
  if (state.share >= 0) {
    double share = std::clamp(state.share, 0.0, 1.0);
    int filled = static_cast<int>(share * kBarWidth);
    std::string bar = std::string(static_cast<size_t>(filled), '=');
    if (filled < kBarWidth) bar += '>';
    bar.resize(kBarWidth, ' ');
    line = absl::StrFormat("[%s] %3.0f %%  ", bar, share * 100);
  }
  absl::StrAppend(&line, state.items, " ", unit, "  ", HumanBytes(state.bytes));
  if (state.seconds > 0) {
    absl::StrAppend(&line, absl::StrFormat("  %.0f %s/s", static_cast<double>(state.items) / state.seconds, unit));
  }
  return line;
}

Progress::Progress(Terminal& terminal, bool wanted, std::string unit)
    : err_(terminal.err),
      draws_(wanted && terminal.err_is_terminal),
      unit_(std::move(unit)),
      begun_(std::chrono::steady_clock::now()),
      drawn_at_(begun_ - kRedraw) {}

Progress::~Progress() { Clear(); }

void Progress::Update(double share, uint64_t items, uint64_t bytes) {
  auto now = std::chrono::steady_clock::now();
  if (!draws_ || now - drawn_at_ < kRedraw) return;
  drawn_at_ = now;
  drawn_ = true;
  err_ << kClearLine << ProgressLine({share, items, bytes, seconds()}, unit_) << std::flush;
}

void Progress::Clear() {
  if (drawn_) err_ << kClearLine << std::flush;
  drawn_ = false;
}

double Progress::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count();
}

}  // namespace henge::cli
