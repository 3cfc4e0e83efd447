// What henged runs with: the settings, checked and typed.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/coordinator.h"
#include "core/model/cluster_state.h"
#include "core/model/swim.h"
#include "node/config/config_sources.h"
#include "storage/store_engine.h"

namespace henge {

enum class LogFormatChoice : uint8_t { kAuto, kText, kJson };

struct NodeConfig {
  std::string name;
  std::string data_dir;
  std::vector<InitialMember> members;  // empty = a single node
  std::string token;                   // empty = drawn and kept, for a single node
  uint32_t replicas = kReplicasDefault;
  std::string client_listen;
  std::string peer_listen;
  std::map<std::string, std::string> peer_dial;  // member's name -> where this node reaches it instead
  std::string client_advertise;                  // of a single node; empty = client_listen
  int shards = 0;                                // 0 = by the cores
  bool batch_scheduling = true;                  // node/real/scheduling.h
  Duration drain_timeout{0};
  std::string ready_file;
  int ready_fd = -1;
  LogFormatChoice log_format = LogFormatChoice::kAuto;
  Severity log_level = Severity::kInfo;
  std::string log_file;
  StoreOptions store;
  CoordinatorOptions coordinator;
  SwimSettings gossip;
  size_t record_cache_bytes = 0;  // of all shards together
  uint64_t hint_bytes_max = 0;    // as well
  uint64_t hint_bytes_per_second = 0;
  Duration scrub_pause{0};  // before each partition
  size_t peer_queue_bytes_max = 0;
  size_t network_memory_bytes_max = 0;

  bool single() const { return members.empty(); }
};

// INVALID_ARGUMENT for settings that don't fit together.
absl::StatusOr<NodeConfig> MakeNodeConfig(const Settings& settings);

// Texts for people.
std::string HelpText();
std::string SampleConfig();                              // a file with every setting, its default and what it is
std::string DescribeSettings(const Settings& settings);  // every setting with its value and where it is from

}  // namespace henge
