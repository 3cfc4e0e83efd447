// explain: where a key lies, and what each of its owners has of it.
#include <CLI/App.hpp>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "cli/cluster_view.h"
#include "cli/commands.h"
#include "cli/encoding.h"
#include "cli/json.h"
#include "henge/admin.h"

namespace henge::cli {
namespace {

constexpr size_t kKeyShownBytesMax = 120;
constexpr int kHlcLogicalBits = 16;

std::string ShortHex(uint64_t value) { return Hex(value).substr(0, 8); }

// store/lifetime/epoch, shortened: enough to tell the actors of one key apart.
std::string ActorText(uint64_t store, uint64_t lifetime, uint64_t epoch) {
  return absl::StrCat(ShortHex(store), "/", ShortHex(lifetime), "/", epoch);
}

std::string Ago(int64_t then_ms, int64_t now_ms) {
  if (then_ms <= 0) return "unknown";
  double seconds = static_cast<double>(now_ms - then_ms) / 1e3;
  return seconds >= 0 ? absl::StrCat(HumanDuration(seconds), " ago") : absl::StrCat("in ", HumanDuration(-seconds));
}

std::string Names(const ClusterState& state, const std::vector<uint32_t>& ids) {
  return absl::StrJoin(ids, ", ", [&](std::string* out, uint32_t id) { out->append(MemberName(state, MemberId(id))); });
}

void PrintVersion(std::ostream& out, const VersionView& version, int64_t now_ms) {
  out << "    dot " << ActorText(version.dot_store, version.dot_lifetime, version.dot_epoch) << ":"
      << version.dot_counter;
  if (!version.coordinator.empty()) out << " by " << version.coordinator;
  if (version.tombstone)
    out << ", deleted";
  else
    out << ", value of " << version.value_bytes << " bytes, hash " << Hex(version.value_hash);
  out << ", written " << Ago(static_cast<int64_t>(version.hlc >> kHlcLogicalBits), now_ms);
  if (version.expires_at_ms != 0) {
    out << (version.expires_at_ms <= now_ms ? ", expired " : ", expires ") << Ago(version.expires_at_ms, now_ms);
  }
  out << '\n';
}

void PrintReplica(std::ostream& out, const ReplicaView& replica, int64_t now_ms) {
  out << "replica " << replica.name << ": ";
  if (!replica.status.ok()) {
    out << "no answer: " << replica.status.message() << "\n";
    return;
  }
  if (!replica.found) {
    out << "no record\n";
    return;
  }
  out << replica.siblings.size() << (replica.siblings.size() == 1 ? " version" : " versions") << ", digest "
      << Hex(replica.digest) << ", " << replica.object_bytes << " bytes, changed "
      << Ago(static_cast<int64_t>(replica.written_at_ms), now_ms) << '\n';
  for (const VersionView& version : replica.siblings) PrintVersion(out, version, now_ms);
  out << "    context {";
  out << absl::StrJoin(replica.context, ", ", [](std::string* text, const ContextEntry& entry) {
    absl::StrAppend(text, ActorText(entry.store, entry.lifetime, entry.epoch), ":", entry.counter);
  });
  out << "}\n";
}

void PrintForPeople(Context& context, const std::string& key, const Explanation& found, const ClusterState& state) {
  int64_t now_ms = absl::ToUnixMillis(absl::Now());
  std::ostream& out = context.out();
  out << "key              " << OneLine(key, kKeyShownBytesMax) << '\n'
      << "bucket           " << context.flags().bucket << '\n'
      << "partition        " << found.partition << ", segment " << found.segment << ", layout epoch "
      << found.layout_epoch << '\n'
      << "preference list  " << Names(state, found.owners) << '\n';
  if (!found.fallbacks.empty()) out << "fallbacks        " << Names(state, found.fallbacks) << '\n';
  out << "answered by      " << MemberName(state, MemberId(found.answered_by)) << ", state version "
      << found.state_version << "\n\n";
  for (const ReplicaView& replica : found.replicas) PrintReplica(out, replica, now_ms);
  for (const ReplicaView& hint : found.hints) {
    out << "hint at " << hint.name << ": " << hint.siblings.size()
        << (hint.siblings.size() == 1 ? " version" : " versions") << ", " << hint.object_bytes << " bytes, kept since "
        << Ago(static_cast<int64_t>(hint.written_at_ms), now_ms) << '\n';
    for (const VersionView& version : hint.siblings) PrintVersion(out, version, now_ms);
  }
  out << '\n'
      << (found.replicas_equal ? "the replicas are equal" : "the replicas differ: a read repairs those that are behind")
      << '\n';
}

Json ReplicaJson(const ReplicaView& replica) {
  Json json = {{"member", replica.member}, {"name", replica.name}, {"reachable", replica.status.ok()}};
  if (!replica.status.ok()) {
    json["error"] = std::string(replica.status.message());
    return json;
  }
  json["found"] = replica.found;
  json["siblings"] = Json::array();
  for (const VersionView& version : replica.siblings) {
    json["siblings"].push_back({{"dot",
                                 {{"store", Hex(version.dot_store)},
                                  {"lifetime", Hex(version.dot_lifetime)},
                                  {"epoch", version.dot_epoch},
                                  {"counter", version.dot_counter}}},
                                {"coordinator", version.coordinator},
                                {"tombstone", version.tombstone},
                                {"value_bytes", version.value_bytes},
                                {"value_hash", Hex(version.value_hash)},
                                {"expires_at_ms", version.expires_at_ms},
                                {"written_at_ms", version.hlc >> kHlcLogicalBits},
                                {"hlc", version.hlc},
                                {"op_id", Hex(version.op_id_high) + Hex(version.op_id_low)}});
  }
  json["context"] = Json::array();
  for (const ContextEntry& entry : replica.context) {
    json["context"].push_back({{"store", Hex(entry.store)},
                               {"lifetime", Hex(entry.lifetime)},
                               {"epoch", entry.epoch},
                               {"counter", entry.counter}});
  }
  json["changed_at_ms"] = replica.written_at_ms;
  json["digest"] = Hex(replica.digest);
  json["object_bytes"] = replica.object_bytes;
  return json;
}

void PrintJson(Context& context, const std::string& key, const Explanation& found, const ClusterState& state) {
  Json json;
  SetBytes(json, "key", key);
  json["bucket"] = context.flags().bucket;
  json["partition"] = found.partition;
  json["segment"] = found.segment;
  json["layout_epoch"] = found.layout_epoch;
  json["state_version"] = found.state_version;
  json["owners"] = Json::array();
  for (uint32_t id : found.owners) json["owners"].push_back(MemberName(state, MemberId(id)));
  json["fallbacks"] = Json::array();
  for (uint32_t id : found.fallbacks) json["fallbacks"].push_back(MemberName(state, MemberId(id)));
  json["answered_by"] = MemberName(state, MemberId(found.answered_by));
  json["replicas_equal"] = found.replicas_equal;
  json["replicas"] = Json::array();
  for (const ReplicaView& replica : found.replicas) json["replicas"].push_back(ReplicaJson(replica));
  json["hints"] = Json::array();
  for (const ReplicaView& hint : found.hints) json["hints"].push_back(ReplicaJson(hint));
  context.out() << PrettyJson(json) << '\n';
}

ExitCode Explain(Context& context, const std::string& key) {
  auto ring = FetchRing(context);
  if (!ring.ok()) return context.Fail(ring.status());
  auto found = ExplainKey(context.flags().endpoints, context.flags().bucket, key, context.flags().timeout);
  if (!found.ok()) return context.Fail(found.status());
  if (context.output() == Output::kJson)
    PrintJson(context, key, *found, ring->state());
  else
    PrintForPeople(context, key, *found, ring->state());
  return ExitCode::kOk;
}

}  // namespace

void DeclareExplainCommand(CLI::App& app, Action& chosen) {
  auto key = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("explain", "Show where a key lies, and each replica's record of it");
  command->add_option("KEY", *key, "The key")->required();
  command->callback([&chosen, key] { chosen = [key](Context& context) { return Explain(context, *key); }; });
}

}  // namespace henge::cli
