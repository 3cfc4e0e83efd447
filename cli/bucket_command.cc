// bucket: makes, lists, changes and drops buckets.
#include <CLI/App.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/json.h"
#include "cli/table.h"
#include "core/model/bucket_changes.h"
#include "henge/admin.h"

namespace henge::cli {
namespace {

using std::chrono::milliseconds;

struct BucketFlags {
  std::string action;
  std::string name;
  std::string conflict;
  std::string mode;
  std::string durability;
  std::string ttl;
  std::optional<uint32_t> read_quorum, write_quorum;
  bool yes = false;
};

std::string QuorumText(uint32_t quorum) { return quorum == 0 ? "majority" : absl::StrCat(quorum); }

std::string TtlText(milliseconds ttl) {
  constexpr std::pair<int64_t, const char*> kUnits[] = {
      {86'400'000, "d"}, {3'600'000, "h"}, {60'000, "m"}, {1'000, "s"}};
  if (ttl.count() == 0) return "-";
  for (const auto& [unit, suffix] : kUnits) {
    if (ttl.count() % unit == 0) return absl::StrCat(ttl.count() / unit, suffix);
  }
  return absl::StrCat(ttl.count(), "ms");
}

Json JsonOf(const BucketView& bucket) {
  return {{"name", bucket.name},
          {"id", bucket.id},
          {"conflict", bucket.conflict},
          {"read_quorum", bucket.read_quorum},
          {"write_quorum", bucket.write_quorum},
          {"mode", bucket.mode},
          {"durability", bucket.durability},
          {"ttl_ms", bucket.ttl.count()}};
}

ExitCode List(Context& context) {
  auto buckets = ListBuckets(context.flags().endpoints, context.flags().timeout);
  if (!buckets.ok()) return context.Fail(buckets.status());
  if (context.output() == Output::kJson) {
    Json json = Json::array();
    for (const BucketView& bucket : *buckets) json.push_back(JsonOf(bucket));
    context.out() << PrettyJson(json) << '\n';
    return ExitCode::kOk;
  }
  if (context.output() == Output::kRaw) {
    for (const BucketView& bucket : *buckets) context.out() << bucket.name << '\n';
    return ExitCode::kOk;
  }
  using Align = Table::Align;
  Table table({{"NAME"},
               {"ID", Align::kRight},
               {"CONFLICT"},
               {"R", Align::kRight},
               {"W", Align::kRight},
               {"MODE"},
               {"DURABILITY"},
               {"TTL", Align::kRight}});
  for (const BucketView& bucket : *buckets) {
    table.AddRow({bucket.name, absl::StrCat(bucket.id), bucket.conflict, QuorumText(bucket.read_quorum),
                  QuorumText(bucket.write_quorum), bucket.mode, bucket.durability, TtlText(bucket.ttl)});
  }
  table.Print(context.out());
  return ExitCode::kOk;
}

absl::StatusOr<BucketOptions> OptionsOf(const BucketFlags& flags) {
  BucketOptions options{.name = flags.name,
                        .conflict = flags.conflict,
                        .read_quorum = flags.read_quorum,
                        .write_quorum = flags.write_quorum,
                        .mode = flags.mode,
                        .durability = flags.durability};
  if (!flags.durability.empty()) {
    if (auto durability = ParseDurability(flags.durability); !durability.ok()) return durability.status();
  }
  if (flags.ttl == "none") {
    options.ttl = milliseconds(0);
  } else if (!flags.ttl.empty()) {
    auto ttl = ParseDuration(flags.ttl);
    if (!ttl.ok()) return ttl.status();
    options.ttl = *ttl;
  }
  return options;
}

// A usage error, or empty.
std::string Misuse(const BucketFlags& flags) {
  const bool settings = flags.read_quorum.has_value() || flags.write_quorum.has_value() || !flags.mode.empty() ||
                        !flags.durability.empty() || !flags.ttl.empty();
  if (flags.action == "list") {
    if (!flags.name.empty() || settings || !flags.conflict.empty())
      return "'bucket list' takes no name and no settings";
    return "";
  }
  if (flags.name.empty()) return absl::StrCat("'bucket ", flags.action, "' needs the name of the bucket");
  if (!flags.conflict.empty() && flags.action != "create") {
    return "a bucket's conflict policy is chosen when it is created, and never changes: create another bucket";
  }
  if (flags.action == "set" && !settings) {
    return "'bucket set' needs something to change: --read-quorum, --write-quorum, --mode, --durability or --ttl";
  }
  if (flags.action == "drop" && settings) return "'bucket drop' takes no settings";
  if (flags.action == "drop" && !flags.yes) {
    return absl::StrCat("dropping '", flags.name, "' gives up all of its keys for good: say --yes if that is meant");
  }
  return "";
}

ExitCode FailedChange(Context& context, const absl::Status& status) {
  const ExitCode code = context.Fail(status);
  if (absl::IsNotFound(status)) return ExitCode::kNotFound;
  return absl::IsAlreadyExists(status) ? ExitCode::kConflict : code;
}

// Which members don't know `version` yet, or don't answer: they refuse a new bucket until they do.
std::vector<std::string> Behind(Context& context, uint64_t version) {
  auto encoded = FetchClusterState(context.flags().endpoints, context.flags().timeout);
  auto state = encoded.ok() ? ClusterState::Decode(encoded->state) : absl::StatusOr<ClusterState>(encoded.status());
  std::vector<std::string> behind;
  if (!state.ok() || context.flags().direct) return behind;
  for (const Member& member : state->members) {
    auto theirs = FetchClusterState(member.client_address, context.flags().timeout);
    if (!theirs.ok() || theirs->version < version) behind.push_back(member.name);
  }
  return behind;
}

ExitCode Change(Context& context, const BucketFlags& flags) {
  auto options = OptionsOf(flags);
  if (!options.ok()) return context.UsageError(std::string(options.status().message()));
  const std::string& endpoints = context.flags().endpoints;
  const milliseconds timeout = context.flags().timeout;
  auto version = flags.action == "create" ? CreateBucket(endpoints, *options, timeout)
                 : flags.action == "set"  ? SetBucket(endpoints, *options, timeout)
                                          : DropBucket(endpoints, flags.name, timeout);
  if (!version.ok()) return FailedChange(context, version.status());
  const std::vector<std::string> behind = Behind(context, *version);
  if (context.output() == Output::kJson) {
    context.out() << PrettyJson({{"bucket", flags.name},
                                 {"action", flags.action},
                                 {"state_version", *version},
                                 {"members_behind", behind}})
                  << '\n';
    return ExitCode::kOk;
  }
  const char* done = flags.action == "create" ? "created" : flags.action == "set" ? "changed" : "dropped";
  context.out() << done << " bucket '" << flags.name << "', cluster state version " << *version << '\n';
  if (!behind.empty()) {
    context.Say(absl::StrCat("not heard of it yet: ", absl::StrJoin(behind, ", "),
                             "; they will once they are reached, until then they go by the version before"));
  }
  return ExitCode::kOk;
}

}  // namespace

void DeclareBucketCommand(CLI::App& app, Action& chosen) {
  auto flags = std::make_shared<BucketFlags>();
  CLI::App* command = app.add_subcommand("bucket", "Create, list, set or drop buckets: namespaces of keys");
  command->add_option("ACTION", flags->action, "What to do")
      ->required()
      ->check(CLI::IsMember({"create", "list", "set", "drop"}));
  command->add_option("NAME", flags->name, "The bucket");
  command
      ->add_option("--conflict", flags->conflict,
                   "create: keep concurrent versions as siblings (default), or the last writer's only, which is lossy")
      ->check(CLI::IsMember({"siblings", "lww"}));
  command->add_option("--read-quorum", flags->read_quorum, "R of a read that names none; 0 is a majority");
  command->add_option("--write-quorum", flags->write_quorum, "W of a write that names none; 0 is a majority");
  command->add_option("--mode", flags->mode, "sloppy: others may stand in for owners (default); strict: owners only")
      ->check(CLI::IsMember({"sloppy", "strict"}));
  command->add_option("--durability", flags->durability, "fsync: acknowledged when it is on the disks")
      ->type_name("LEVEL:{fsync}");
  command->add_option("--ttl", flags->ttl, "A put that names no expiry expires after this long; none for never")
      ->type_name("DURATION");
  command->add_flag("--yes", flags->yes, "drop: yes, its keys are given up");
  command->callback([&chosen, flags] {
    chosen = [flags](Context& context) {
      if (std::string misuse = Misuse(*flags); !misuse.empty()) return context.UsageError(misuse);
      return flags->action == "list" ? List(context) : Change(context, *flags);
    };
  });
}

}  // namespace henge::cli
