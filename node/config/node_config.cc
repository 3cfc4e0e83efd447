#include "node/config/node_config.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/runtime/status_macros.h"
#include "node/config/config_schema.h"
#include "node/config/initial_cluster.h"

namespace henge {
namespace {

constexpr char kSingleName[] = "n1";
constexpr char kSingleClientListen[] = "127.0.0.1:7400";
constexpr char kSinglePeerListen[] = "127.0.0.1:7401";
constexpr char kTokenDefault[] = "henge";

class Reader {
 public:
  explicit Reader(const Settings& settings) : settings_(settings) {}

  std::string Text(const char* name) const { return settings_.at(name).value; }
  int64_t Number(const char* name) const { return ConfigNumber(*FindConfigKey(name), Text(name)); }
  size_t Size(const char* name) const { return static_cast<size_t>(Number(name)); }
  Duration Time(const char* name) const { return std::chrono::milliseconds(Number(name)); }

 private:
  const Settings& settings_;
};

LogFormatChoice FormatOf(const std::string& text) {
  if (text == "text") return LogFormatChoice::kText;
  return text == "json" ? LogFormatChoice::kJson : LogFormatChoice::kAuto;
}

Severity LevelOf(const std::string& text) {
  if (text == "debug") return Severity::kDebug;
  if (text == "warn") return Severity::kWarning;
  if (text == "error") return Severity::kError;
  return text == "alarm" ? Severity::kAlarm : Severity::kInfo;
}

// The rest of what a cluster's member is told; `members` are parsed.
absl::Status FillMember(NodeConfig* config) {
  if (config->name.empty()) {
    return absl::InvalidArgumentError("an initial cluster is given and no name: say which of its members this node is");
  }
  auto self = std::find_if(config->members.begin(), config->members.end(),
                           [config](const InitialMember& m) { return m.name == config->name; });
  if (self == config->members.end()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "this node is named ", config->name, ", which the initial cluster doesn't list: add it, or change the name"));
  }
  if (config->client_listen.empty()) config->client_listen = self->client_address;
  if (config->peer_listen.empty()) config->peer_listen = self->peer_address;
  if (config->token.empty()) config->token = kTokenDefault;
  if (!config->client_advertise.empty()) {
    return absl::InvalidArgumentError(
        "client_advertise is for a single node: in a cluster, the initial cluster says it");
  }
  for (const auto& [name, address] : config->peer_dial) {
    const bool listed = std::any_of(config->members.begin(), config->members.end(),
                                    [&name = name](const InitialMember& m) { return m.name == name; });
    if (!listed || name == config->name) {
      return absl::InvalidArgumentError(
          absl::StrCat("peer_dial has an address for \"", name, "\", which is no other member of the initial cluster"));
    }
  }
  // The same checks that the first start makes.
  return MakeInitialState(config->token, config->replicas, config->members).status();
}

absl::Status FillSingle(NodeConfig* config) {
  if (!config->peer_dial.empty()) {
    return absl::InvalidArgumentError("peer_dial is for a cluster's member: a single node reaches no other one");
  }
  if (config->name.empty()) config->name = kSingleName;
  if (config->client_listen.empty()) config->client_listen = kSingleClientListen;
  if (config->peer_listen.empty()) config->peer_listen = kSinglePeerListen;
  return absl::OkStatus();
}

void FillStore(const Reader& read, StoreOptions* store) {
  store->data_dir = read.Text("data_dir");
  store->block_cache_bytes = read.Size("store.block_cache");
  store->write_buffer_bytes = read.Size("store.write_buffer");
  store->write_buffers_max = static_cast<int>(read.Number("store.write_buffers"));
  store->blob_bytes_min = read.Size("store.blob_min");
  store->free_bytes_for_writes = read.Size("store.free_for_writes");
  store->free_bytes_for_control = read.Size("store.free_for_control");
}

absl::Status FillGossip(const Reader& read, SwimSettings* gossip) {
  gossip->probe_interval = read.Time("gossip.probe_interval");
  gossip->probe_timeout = read.Time("gossip.probe_timeout");
  gossip->suspicion.min = read.Time("gossip.suspicion_min");
  gossip->suspicion.max = read.Time("gossip.suspicion_max");
  if (gossip->probe_timeout >= gossip->probe_interval) {
    return absl::InvalidArgumentError(
        "gossip.probe_timeout is not shorter than gossip.probe_interval: the others need the time between to help");
  }
  if (gossip->suspicion.max < gossip->suspicion.min) {
    return absl::InvalidArgumentError("gossip.suspicion_max is shorter than gossip.suspicion_min");
  }
  return absl::OkStatus();
}

std::string Quoted(const ConfigKey& key, const std::string& value) {
  if (key.kind == ConfigKind::kInteger) return value;
  std::string out = "\"";
  for (char c : value) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out + "\"";
}

// `text` in lines of at most 100 characters, each after `indent`.
std::string Wrapped(std::string_view text, const std::string& indent) {
  constexpr size_t kWidth = 100;
  std::string out;
  while (!text.empty()) {
    size_t end = text.size();
    if (indent.size() + end > kWidth) {
      end = text.rfind(' ', kWidth - indent.size());
      if (end == std::string_view::npos || end == 0) end = text.size();
    }
    absl::StrAppend(&out, indent, std::string(text.substr(0, end)), "\n");
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace

absl::StatusOr<NodeConfig> MakeNodeConfig(const Settings& settings) {
  const Reader read(settings);
  NodeConfig config;
  config.name = read.Text("name");
  config.data_dir = read.Text("data_dir");
  config.token = read.Text("cluster_token");
  config.replicas = static_cast<uint32_t>(read.Number("replicas"));
  config.client_listen = read.Text("client_listen");
  config.peer_listen = read.Text("peer_listen");
  config.client_advertise = read.Text("client_advertise");
  config.shards = static_cast<int>(read.Number("shards"));
  config.batch_scheduling = read.Text("scheduling") == "batch";
  config.drain_timeout = read.Time("drain_timeout");
  config.ready_file = read.Text("ready_file");
  config.ready_fd = static_cast<int>(read.Number("ready_fd"));
  config.log_format = FormatOf(read.Text("log.format"));
  config.log_level = LevelOf(read.Text("log.level"));
  config.log_file = read.Text("log.file");
  FillStore(read, &config.store);
  config.record_cache_bytes = read.Size("store.record_cache");
  config.hint_bytes_max = read.Size("hints.bytes_max");
  config.hint_bytes_per_second = read.Size("hints.rate");
  config.scrub_pause = read.Time("scrub.pause");
  config.coordinator.budget_default = read.Time("request.timeout");
  config.coordinator.budget_max = read.Time("request.timeout_max");
  config.coordinator.in_flight_max = static_cast<int>(read.Number("limits.in_flight"));
  config.coordinator.in_flight_bytes_max = read.Size("limits.in_flight_bytes");
  config.peer_queue_bytes_max = read.Size("limits.peer_queue");
  config.network_memory_bytes_max = read.Size("limits.network_memory");
  HENGE_RETURN_IF_ERROR(FillGossip(read, &config.gossip));
  if (config.data_dir.empty()) return absl::InvalidArgumentError("data_dir is empty: say where the data lies");
  HENGE_ASSIGN_OR_RETURN(config.peer_dial, ParsePeerDial(read.Text("peer_dial")));
  if (read.Text("initial_cluster").empty()) {
    HENGE_RETURN_IF_ERROR(FillSingle(&config));
  } else {
    HENGE_ASSIGN_OR_RETURN(config.members, ParseInitialCluster(read.Text("initial_cluster")));
    HENGE_RETURN_IF_ERROR(FillMember(&config));
  }
  for (const std::string& address : {config.client_listen, config.peer_listen}) {
    if (absl::Status status = CheckAddress(address, 0); !status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("the address to listen on ", status.message()));
    }
  }
  if (!config.client_advertise.empty()) HENGE_RETURN_IF_ERROR(CheckAddress(config.client_advertise, 1));
  if (config.store.free_bytes_for_control > config.store.free_bytes_for_writes) {
    return absl::InvalidArgumentError(
        "store.free_for_control is more than store.free_for_writes: puts must be refused before deletes are");
  }
  // A put that was taken must still find room when its write buffer becomes a table.
  const uint64_t buffers_bytes =
      config.store.write_buffer_bytes * static_cast<uint64_t>(config.store.write_buffers_max);
  if (config.store.free_bytes_for_writes < buffers_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("store.free_for_writes is less than what the write buffers may hold: give at least ",
                     buffers_bytes, " bytes, or lower store.write_buffer or store.write_buffers"));
  }
  if (config.coordinator.budget_default > config.coordinator.budget_max) {
    return absl::InvalidArgumentError("request.timeout is more than request.timeout_max");
  }
  return config;
}

std::string HelpText() {
  std::string out =
      "henged: a node of a Henge cluster\n\n"
      "  henged                              a single node, data in ./henge-data\n"
      "  henged --name n1 --initial-cluster  n1=10.0.0.1:7400/10.0.0.1:7401,n2=...   a member of a cluster\n\n"
      "  --config FILE        settings in TOML (HENGE_CONFIG)\n"
      "  --check-config       checks the settings, prints them with where each is from, and ends\n"
      "  --print-config       prints a sample file with every setting, and ends\n"
      "  --version, --help\n\n"
      "Every setting is a flag, a variable of the environment and a key of the file; the first of these that is given "
      "counts.\n\n";
  for (const ConfigKey& key : ConfigSchema()) {
    absl::StrAppend(&out, "  ", FlagOf(key), "  (", EnvironmentOf(key), "; ", std::string(key.name), ")",
                    key.value.empty() ? "" : absl::StrCat("  default ", std::string(key.value)), "\n",
                    Wrapped(key.doc, "      "));
  }
  return out;
}

std::string SampleConfig() {
  std::string out = "# Settings of henged. Flags and HENGE_* variables win over this file.\n";
  std::string section;
  for (const ConfigKey& key : ConfigSchema()) {
    std::string name(key.name);
    if (const size_t dot = name.find('.'); dot != std::string::npos) {
      if (name.substr(0, dot) != section) {
        section = name.substr(0, dot);
        absl::StrAppend(&out, "\n[", section, "]\n");
      }
      name = name.substr(dot + 1);
    }
    absl::StrAppend(&out, "\n", Wrapped(key.doc, "# "), "# ", name, " = ", Quoted(key, std::string(key.value)), "\n");
  }
  return out;
}

std::string DescribeSettings(const Settings& settings) {
  std::string out;
  for (const ConfigKey& key : ConfigSchema()) {
    const Setting& setting = settings.at(std::string(key.name));
    absl::StrAppend(&out, std::string(key.name), " = ", Quoted(key, setting.value), "  # ", setting.origin, "\n");
  }
  return out;
}

}  // namespace henge
