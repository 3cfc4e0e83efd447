#include "node/config/config_schema.h"

#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/model/limits.h"

namespace henge {
namespace {

constexpr int64_t kAnyMax = int64_t{1} << 53;

constexpr ConfigKey kSchema[] = {
    {"name", ConfigKind::kString, "", "", 0, 0,
     "This node's name among the members. Needed with an initial cluster; a single node is n1 by default."},
    {"data_dir", ConfigKind::kString, "./henge-data", "", 0, 0,
     "Where the data lies. Locked against a second process."},
    {"initial_cluster", ConfigKind::kString, "", "", 0, 0,
     "The first members, the same list on each: NAME=HOST:CLIENT_PORT/HOST:PEER_PORT[@ZONE], separated by commas. "
     "Empty: a single node."},
    {"cluster_token", ConfigKind::kString, "", "", 0, 0,
     "Tells clusters with the same members apart; the same on each member. Empty: \"henge\", or for a single node one "
     "that is drawn at its first start and kept in its data."},
    {"replicas", ConfigKind::kInteger, "3", "", 1, kReplicasMax,
     "How many members keep each key. A property of the cluster: the same on each member, for ever."},
    {"client_listen", ConfigKind::kString, "", "", 0, 0,
     "HOST:PORT where clients are served. Empty: this member's address in the initial cluster, or 127.0.0.1:7400 for a "
     "single node. Port 0: a free one."},
    {"peer_listen", ConfigKind::kString, "", "", 0, 0,
     "HOST:PORT where the other members are served. Empty: as for client_listen, or 127.0.0.1:7401."},
    {"peer_dial", ConfigKind::kString, "", "", 0, 0,
     "Where this node reaches other members, if not at their addresses in the initial cluster: NAME=HOST:PORT, "
     "separated by commas. For address translation, forwarded ports or proxies between the nodes; each node has its "
     "own."},
    {"client_advertise", ConfigKind::kString, "", "", 0, 0,
     "HOST:PORT that a single node tells its clients to use. Empty: client_listen. In a cluster the initial cluster "
     "says "
     "it."},
    {"shards", ConfigKind::kInteger, "0", "", 0, 64,
     "Loops that share the partitions. 0: one per two cores, at most 8."},
    {"scheduling", ConfigKind::kChoice, "batch", "batch|normal", 0, 0,
     "How the system schedules this node's threads. batch: one that wakes doesn't interrupt one that runs, so that "
     "more work gathers for each. normal: for latency where other programs keep the same cores busy."},
    {"drain_timeout", ConfigKind::kDuration, "10s", "", 0, 600'000,
     "On SIGTERM and SIGINT: how long requests under way may take to finish."},
    {"ready_file", ConfigKind::kString, "", "", 0, 0,
     "Written when the node serves, with its addresses: client=HOST:PORT and peer=HOST:PORT, a line each."},
    {"ready_fd", ConfigKind::kInteger, "-1", "", -1, 1 << 20,
     "An open file descriptor to write the same lines to, closed afterwards. -1: none."},
    {"log.format", ConfigKind::kChoice, "auto", "auto|text|json", 0, 0,
     "How a line of the log looks. auto: text on a terminal, else json."},
    {"log.level", ConfigKind::kChoice, "info", "debug|info|warn|error|alarm", 0, 0,
     "The least severe that is written."},
    {"log.file", ConfigKind::kString, "", "", 0, 0, "A file to append to. Empty: standard error."},
    {"store.block_cache", ConfigKind::kBytes, "32MiB", "", 1 << 20, kAnyMax, "Cache of what is read from the disk."},
    {"store.record_cache", ConfigKind::kBytes, "56MiB", "", 0, kAnyMax,
     "Cache of the records that were read or written last; it answers reads without the store. 0: none."},
    {"store.write_buffer", ConfigKind::kBytes, "16MiB", "", 1 << 20, int64_t{1} << 32,
     "What is gathered in memory before it is written as a sorted table."},
    {"store.write_buffers", ConfigKind::kInteger, "8", "", 2, 64, "How many of these there may be."},
    {"store.blob_min", ConfigKind::kBytes, "8KiB", "", 256, int64_t{1} << 30,
     "Values from this size go to files of their own."},
    {"store.free_for_writes", ConfigKind::kBytes, "512MiB", "", 0, kAnyMax,
     "With less free space than this on the disk, puts are refused; reads and deletes go on."},
    {"store.free_for_control", ConfigKind::kBytes, "64MiB", "", 0, kAnyMax,
     "With less free space than this, deletes are refused too."},
    {"hints.bytes_max", ConfigKind::kBytes, "1GiB", "", 0, kAnyMax,
     "What this node keeps at most for members that don't answer; beyond that another node has to. 0: nothing."},
    {"hints.rate", ConfigKind::kBytes, "32MiB", "", 1 << 16, int64_t{1} << 40,
     "How many bytes of them this node brings to the others per second at most; under load less, never below 5 %."},
    {"scrub.pause", ConfigKind::kDuration, "5s", "", 1, 3'600'000,
     "Before each partition whose records are read from the disk and checked: by default a full store takes a day."},
    {"request.timeout", ConfigKind::kDuration, "5s", "", 1, 600'000, "For a request that brings no time limit."},
    {"request.timeout_max", ConfigKind::kDuration, "60s", "", 1, 3'600'000, "What a request may ask for at most."},
    {"gossip.probe_interval", ConfigKind::kDuration, "1s", "", 50, 60'000,
     "How often this node asks one of the others whether it is there."},
    {"gossip.probe_timeout", ConfigKind::kDuration, "400ms", "", 10, 60'000,
     "Without an answer for this long, others are asked to try as well. Shorter than gossip.probe_interval."},
    {"gossip.suspicion_min", ConfigKind::kDuration, "3s", "", 50, 3'600'000,
     "How long a member that does not answer has to object before it counts as dead, if others don't reach it either."},
    {"gossip.suspicion_max", ConfigKind::kDuration, "15s", "", 50, 3'600'000,
     "The same while nobody else has confirmed it. Not shorter than gossip.suspicion_min."},
    {"limits.in_flight", ConfigKind::kInteger, "4096", "", 1, 1 << 20,
     "Requests of clients at once in one shard; more are answered RESOURCE_EXHAUSTED."},
    {"limits.in_flight_bytes", ConfigKind::kBytes, "64MiB", "", 1 << 20, kAnyMax,
     "Their keys and values, in one shard."},
    {"limits.peer_queue", ConfigKind::kBytes, "32MiB", "", 1 << 20, int64_t{1} << 32,
     "What may wait to be sent to one peer."},
    {"limits.network_memory", ConfigKind::kBytes, "256MiB", "", 16 << 20, kAnyMax,
     "Buffers of all connections together."},
};

std::optional<std::pair<int64_t, std::string>> SplitNumber(const std::string& text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  return std::pair(number, std::string(end, text.data() + text.size()));
}

std::optional<int64_t> UnitOf(ConfigKind kind, const std::string& unit) {
  using Unit = std::pair<std::string_view, int64_t>;
  constexpr std::array<Unit, 5> kBytes = {Unit{"", 1}, {"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};
  constexpr std::array<Unit, 5> kTimes = {Unit{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"min", 60'000}};
  if (kind == ConfigKind::kInteger) return unit.empty() ? std::optional<int64_t>(1) : std::nullopt;
  for (const Unit& known : kind == ConfigKind::kBytes ? kBytes : kTimes) {
    if (known.first == unit) return known.second;
  }
  return std::nullopt;
}

std::optional<int64_t> ParseNumber(ConfigKind kind, const std::string& text) {
  const auto split = SplitNumber(text);
  if (!split.has_value()) return std::nullopt;
  const std::optional<int64_t> unit = UnitOf(kind, split->second);
  int64_t value = 0;
  if (!unit.has_value() || __builtin_mul_overflow(split->first, *unit, &value)) return std::nullopt;
  return value;
}

std::string Expected(const ConfigKey& key) {
  switch (key.kind) {
    case ConfigKind::kInteger:
      return absl::StrCat("a whole number from ", key.min, " to ", key.max);
    case ConfigKind::kBytes:
      return absl::StrCat("a size such as 64MiB, from ", key.min, " to ", key.max, " bytes");
    case ConfigKind::kDuration:
      return absl::StrCat("a time such as 500ms or 5s, from ", key.min, " ms to ", key.max, " ms");
    case ConfigKind::kChoice:
      return absl::StrCat("one of ", std::string(key.choices));
    case ConfigKind::kString:
      break;
  }
  return "a text";
}

bool IsChoice(std::string_view choices, std::string_view text) {
  for (size_t start = 0; start <= choices.size();) {
    const size_t end = std::min(choices.find('|', start), choices.size());
    if (choices.substr(start, end - start) == text) return true;
    start = end + 1;
  }
  return false;
}

}  // namespace

std::span<const ConfigKey> ConfigSchema() { return kSchema; }

const ConfigKey* FindConfigKey(std::string_view name) {
  for (const ConfigKey& key : kSchema) {
    if (key.name == name) return &key;
  }
  return nullptr;
}

std::string FlagOf(const ConfigKey& key) {
  std::string flag = "--";
  for (char c : key.name) flag.push_back(c == '.' || c == '_' ? '-' : c);
  return flag;
}

std::string EnvironmentOf(const ConfigKey& key) {
  std::string name = "HENGE_";
  for (char c : key.name) name.push_back(c == '.' ? '_' : absl::ascii_toupper(static_cast<unsigned char>(c)));
  return name;
}

absl::Status CheckConfigValue(const ConfigKey& key, const std::string& text) {
  bool good = true;
  if (key.kind == ConfigKind::kChoice) {
    good = IsChoice(key.choices, text);
  } else if (key.kind != ConfigKind::kString) {
    const std::optional<int64_t> number = ParseNumber(key.kind, text);
    good = number.has_value() && *number >= key.min && *number <= key.max;
  }
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(std::string(key.name), " is \"", text, "\": expected ", Expected(key)));
}

int64_t ConfigNumber(const ConfigKey& key, const std::string& text) { return ParseNumber(key.kind, text).value_or(0); }

}  // namespace henge
