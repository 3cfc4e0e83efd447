// Values of options that every command understands, as people write them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "henge/client.h"

namespace henge::cli {

enum class Output {
  kAuto,   // for people on a terminal, for programs elsewhere
  kTable,  // for people
  kJson,   // for programs: documents, or one a line
  kRaw,    // bare bytes
};

// one, quorum, all, or a number of replicas; ",strict" after it: owners only.
struct ConsistencyFlag {
  enum class Kind { kQuorum, kAll, kCount } kind = Kind::kQuorum;
  uint32_t count = 0;  // kCount
  bool strict = false;
};
absl::StatusOr<ConsistencyFlag> ParseConsistency(const std::string& text);
// `replicas`: how many a key has in this cluster.
Quorum ToQuorum(const ConsistencyFlag& flag, uint32_t replicas);

// "500ms", "5s", "2m", "1h", "7d"; a bare number is seconds. More than nothing.
absl::StatusOr<std::chrono::milliseconds> ParseDuration(const std::string& text);

struct CommonFlags {
  std::string endpoints;
  Output output = Output::kAuto;
  ConsistencyFlag consistency;
  std::chrono::milliseconds timeout{5000};
  std::string bucket = "default";
  bool direct = false;  // only the nodes that `endpoints` names
};

}  // namespace henge::cli
