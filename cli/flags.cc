#include "cli/flags.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/model/limits.h"

namespace henge::cli {
namespace {

constexpr double kDurationMaxMs = 1e15;

struct Unit {
  const char* suffix;
  double milliseconds;
};
// Longer suffixes first, where one ends like another.
constexpr Unit kUnits[] = {{"ms", 1}, {"s", 1e3}, {"m", 60e3}, {"h", 3600e3}, {"d", 86400e3}};

bool EndsWith(const std::string& text, const std::string& suffix) {
  return text.size() > suffix.size() && text.compare(text.size() - suffix.size(), suffix.size(), suffix) == 0;
}

}  // namespace

absl::StatusOr<ConsistencyFlag> ParseConsistency(const std::string& text) {
  const std::string kStrict = ",strict";
  ConsistencyFlag flag;
  std::string level = text;
  if (EndsWith(text, kStrict)) {
    flag.strict = true;
    level.resize(text.size() - kStrict.size());
  }
  if (level == "quorum") return flag;
  if (level == "all") {
    flag.kind = ConsistencyFlag::Kind::kAll;
    return flag;
  }
  flag.kind = ConsistencyFlag::Kind::kCount;
  if (level == "one") {
    flag.count = 1;
    return flag;
  }
  if (absl::SimpleAtoi(level, &flag.count) && flag.count >= 1 && flag.count <= kReplicasMax) return flag;
  return absl::InvalidArgumentError(
      absl::StrCat("'", text, "' is no consistency: write one, quorum, all or a number of replicas from 1 to ",
                   kReplicasMax, ", and ',strict' after it for owners only"));
}

Quorum ToQuorum(const ConsistencyFlag& flag, uint32_t replicas) {
  Quorum quorum;
  if (flag.kind == ConsistencyFlag::Kind::kAll) quorum.replicas = replicas;
  if (flag.kind == ConsistencyFlag::Kind::kCount) quorum.replicas = flag.count;
  quorum.strict = flag.strict;
  return quorum;
}

absl::StatusOr<std::chrono::milliseconds> ParseDuration(const std::string& text) {
  std::string number = text;
  double unit = 1e3;
  for (const Unit& candidate : kUnits) {
    if (!EndsWith(text, candidate.suffix)) continue;
    unit = candidate.milliseconds;
    number.resize(text.size() - std::string(candidate.suffix).size());
    break;
  }
  double value = 0;
  double milliseconds = absl::SimpleAtod(number, &value) ? std::ceil(value * unit) : 0;
  if (milliseconds >= 1 && milliseconds <= kDurationMaxMs)
    return std::chrono::milliseconds(static_cast<int64_t>(milliseconds));
  return absl::InvalidArgumentError(
      absl::StrCat("'", text, "' is no duration: write a number with ms, s, m, h or d, such as 500ms or 5s"));
}

}  // namespace henge::cli
