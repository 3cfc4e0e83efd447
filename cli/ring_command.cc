// ring: who owns how much; with a key, who owns that.
#include <CLI/App.hpp>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/cluster_view.h"
#include "cli/commands.h"
#include "cli/encoding.h"
#include "cli/json.h"
#include "cli/table.h"
#include "core/model/assignment.h"
#include "core/model/slot.h"

namespace henge::cli {
namespace {

constexpr size_t kKeyBytesShown = 120;

AssignmentFigures FiguresOf(const ClusterState& state) {
  return MeasureAssignment(state.members, state.replicas, state.owners, state.owners);
}

ExitCode ShowRing(Context& context, const Ring& ring) {
  const ClusterState& state = ring.state();
  AssignmentFigures figures = FiguresOf(state);
  std::vector<Ownership> ownership = CountOwnership(state);
  if (context.output() == Output::kJson) {
    Json json = {{"cluster", Hex(state.cluster.value())},
                 {"state_version", state.version.value()},
                 {"digest", Hex(ring.digest())},
                 {"partitions", kPartitionCount},
                 {"replicas", state.replicas},
                 {"replica_sets", figures.replica_sets},
                 {"imbalance_max", figures.imbalance_max},
                 {"scatter_mean", figures.scatter_mean},
                 {"zone_violations", figures.zone_violations}};
    json["buckets"] = Json::array();
    for (const Bucket& bucket : state.buckets) json["buckets"].push_back(bucket.name);
    json["members"] = Json::array();
    for (size_t i = 0; i < state.members.size(); ++i) {
      const Member& member = state.members[i];
      json["members"].push_back({{"member", member.id.value()},
                                 {"name", member.name},
                                 {"client_address", member.client_address},
                                 {"peer_address", member.peer_address},
                                 {"zone", member.zone},
                                 {"weight", member.weight},
                                 {"owned_partitions", ownership[i].owned},
                                 {"first_partitions", ownership[i].first},
                                 {"owned_share", static_cast<double>(ownership[i].owned) / kPartitionCount}});
    }
    context.out() << PrettyJson(json) << '\n';
    return ExitCode::kOk;
  }
  context.out() << "cluster " << Hex(state.cluster.value()) << ", state version " << state.version.value() << '\n'
                << kPartitionCount << " partitions, " << state.replicas << " replicas each, " << figures.replica_sets
                << " replica sets\n"
                << absl::StrFormat("worst imbalance %.1f %%, a node shares data with %.1f others on average\n\n",
                                   figures.imbalance_max * 100, figures.scatter_mean);
  using Align = Table::Align;
  Table table({{"NAME"},
               {"ZONE"},
               {"WEIGHT", Align::kRight},
               {"PARTITIONS", Align::kRight},
               {"OWNS", Align::kRight},
               {"FIRST OF", Align::kRight},
               {"CLIENT ADDRESS"},
               {"PEER ADDRESS"}});
  for (size_t i = 0; i < state.members.size(); ++i) {
    const Member& member = state.members[i];
    table.AddRow({member.name, member.zone.empty() ? "-" : member.zone, absl::StrCat(member.weight),
                  absl::StrCat(ownership[i].owned), Percent(ownership[i].owned, kPartitionCount),
                  absl::StrCat(ownership[i].first), member.client_address, member.peer_address});
  }
  table.Print(context.out());
  if (figures.zone_violations > 0) {
    context.Say(absl::StrCat(figures.zone_violations, " partitions have two replicas in one zone"));
  }
  return ExitCode::kOk;
}

ExitCode ShowKey(Context& context, const Ring& ring, const std::string& key) {
  PartitionId partition = PartitionOf(key);
  auto owners = ring.Owners(partition);
  std::vector<MemberId> fallbacks = ring.Fallbacks(partition);
  if (context.output() == Output::kJson) {
    Json json;
    SetBytes(json, "key", key);
    SetBytes(json, "hashed", HashTag(key));
    json["partition"] = partition.value();
    json["layout_epoch"] = ring.Epoch(partition).value();
    json["owners"] = Json::array();
    for (MemberId id : owners) json["owners"].push_back(MemberName(ring.state(), id));
    json["fallbacks"] = Json::array();
    for (MemberId id : fallbacks) json["fallbacks"].push_back(MemberName(ring.state(), id));
    context.out() << PrettyJson(json) << '\n';
    return ExitCode::kOk;
  }
  context.out() << "key        " << OneLine(key, kKeyBytesShown) << '\n';
  if (HashTag(key) != key) context.out() << "hash tag   " << OneLine(HashTag(key), kKeyBytesShown) << '\n';
  context.out() << "partition  " << partition.value() << " of " << kPartitionCount << "\n\n";
  Table table({{"ROLE"}, {"NAME"}, {"ADDRESS"}, {"ZONE"}});
  auto add = [&](const std::string& role, MemberId id) {
    const Member* member = ring.state().FindMember(id);
    if (member == nullptr) return;
    table.AddRow({role, member->name, member->client_address, member->zone.empty() ? "-" : member->zone});
  };
  for (size_t i = 0; i < owners.size(); ++i) add(absl::StrCat("owner ", i + 1), owners[i]);
  for (size_t i = 0; i < fallbacks.size(); ++i) add(absl::StrCat("fallback ", i + 1), fallbacks[i]);
  table.Print(context.out());
  return ExitCode::kOk;
}

}  // namespace

void DeclareRingCommand(CLI::App& app, Action& chosen) {
  auto key = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("ring", "Show who owns how much of the ring; with a key, who owns it");
  CLI::Option* option = command->add_option("KEY", *key, "Show where this key lies");
  command->callback([&chosen, key, option] {
    bool has_key = option->count() > 0;
    chosen = [key, has_key](Context& context) {
      auto ring = FetchRing(context);
      if (!ring.ok()) return context.Fail(ring.status());
      return has_key ? ShowKey(context, *ring, *key) : ShowRing(context, *ring);
    };
  });
}

}  // namespace henge::cli
