// entropy: how far the replicas are from being equal, as each node knows it; wait-converged: until they are.
#include <CLI/App.hpp>
#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/cluster_view.h"
#include "cli/commands.h"
#include "cli/encoding.h"
#include "cli/json.h"
#include "cli/table.h"
#include "henge/admin.h"

namespace henge::cli {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kPollInterval{500};
constexpr milliseconds kAnswerTimeMax{2000};

struct MemberAnswer {
  const Member* member;
  absl::StatusOr<NodeStatus> status;
};

std::vector<MemberAnswer> AskAll(const ClusterState& state, milliseconds timeout) {
  std::vector<std::future<absl::StatusOr<NodeStatus>>> pending;
  pending.reserve(state.members.size());
  for (const Member& member : state.members) {
    pending.push_back(std::async(std::launch::async, FetchNodeStatus, member.client_address, timeout));
  }
  std::vector<MemberAnswer> answers;
  for (size_t i = 0; i < pending.size(); ++i) answers.push_back({&state.members[i], pending[i].get()});
  return answers;
}

// At least and at most.
std::string AgeBetween(const std::optional<uint64_t>& least_ms, const std::optional<uint64_t>& most_ms) {
  if (!least_ms.has_value()) return "-";
  const std::string least = HumanDuration(static_cast<double>(*least_ms) / 1000);
  if (!most_ms.has_value()) return absl::StrCat(least, " or more");
  return absl::StrCat(least, " to ", HumanDuration(static_cast<double>(*most_ms) / 1000));
}

std::string Age(const std::optional<uint64_t>& age_ms) {
  return age_ms.has_value() ? HumanDuration(static_cast<double>(*age_ms) / 1000) : "-";
}

void PrintTable(Context& context, const ClusterState& state, const std::vector<MemberAnswer>& answers) {
  using Align = Table::Align;
  Table table({{"NODE"},
               {"PEER"},
               {"PARTITIONS", Align::kRight},
               {"SEGMENTS DIFFERING", Align::kRight},
               {"OLDEST WRITE", Align::kRight},
               {"CONVERGED IN", Align::kRight},
               {"LAST ROUND", Align::kRight},
               {"REPAIRED HERE", Align::kRight},
               {"REPAIRED THERE", Align::kRight},
               {"RECOVERING", Align::kRight}});
  for (const MemberAnswer& answer : answers) {
    if (!answer.status.ok()) {
      table.AddRow({answer.member->name, "unreachable", "-", "-", "-", "-", "-", "-", "-", "-"});
      continue;
    }
    const EntropyView& entropy = answer.status->entropy;
    // What a node counts for all peers together stands in its first line.
    std::vector<std::string> sums = {absl::StrCat(entropy.repaired_here), absl::StrCat(entropy.repaired_there),
                                     absl::StrCat(entropy.recovering)};
    if (entropy.peers.empty())
      table.AddRow({answer.member->name, "-", "-", "-", "-", "-", "-", sums[0], sums[1], sums[2]});
    for (const EntropyPeerView& peer : entropy.peers) {
      table.AddRow({answer.member->name, MemberName(state, MemberId(peer.member)),
                    absl::StrCat(peer.partitions_differing), absl::StrCat(peer.leaves_differing),
                    AgeBetween(peer.oldest_ms, peer.oldest_max_ms),
                    peer.convergence_ms.has_value() ? Age(peer.convergence_ms) : "unknown", Age(peer.finished_ms),
                    sums[0], sums[1], sums[2]});
      sums = {"", "", ""};
    }
  }
  table.Print(context.out());
}

Json EntropyJson(const ClusterState& state, const EntropyView& entropy) {
  Json json = {{"rounds", entropy.rounds},
               {"rounds_equal", entropy.rounds_equal},
               {"rounds_failed", entropy.rounds_failed},
               {"segments_scanned", entropy.leaves_scanned},
               {"repaired_here", entropy.repaired_here},
               {"repaired_there", entropy.repaired_there},
               {"bytes_moved", entropy.bytes_moved},
               {"segments_left", entropy.leaves_left},
               {"refused", entropy.refused},
               {"refused_by_peers", entropy.refused_by_peers},
               {"recovering", entropy.recovering},
               {"scrub_passes", entropy.scrub_passes},
               {"scrub_records", entropy.scrub_records},
               {"scrub_leaves_rewritten", entropy.scrub_leaves_rewritten},
               {"scrub_leaves_unreadable", entropy.scrub_leaves_unreadable},
               {"scrub_leaves_mended", entropy.scrub_leaves_mended}};
  json["peers"] = Json::array();
  for (const EntropyPeerView& peer : entropy.peers) {
    Json view = {{"name", MemberName(state, MemberId(peer.member))}, {"segments_differing", peer.leaves_differing}};
    view["partitions_differing"] = peer.partitions_differing;
    view["partitions"] = Json::array();
    for (const auto& one : peer.partitions) {
      view["partitions"].push_back({{"partition", one.partition}, {"segments", one.segments}});
    }
    if (peer.oldest_ms.has_value()) view["oldest_ms"] = *peer.oldest_ms;
    if (peer.oldest_max_ms.has_value()) view["oldest_max_ms"] = *peer.oldest_max_ms;
    if (peer.convergence_ms.has_value()) view["convergence_ms"] = *peer.convergence_ms;
    if (peer.finished_ms.has_value()) view["last_round_ms"] = *peer.finished_ms;
    json["peers"].push_back(std::move(view));
  }
  return json;
}

void PrintPartitions(Context& context, const ClusterState& state, const std::vector<MemberAnswer>& answers) {
  using Align = Table::Align;
  Table table({{"PARTITION", Align::kRight}, {"NODE"}, {"PEER"}, {"SEGMENTS DIFFERING", Align::kRight}});
  uint64_t left_out = 0;
  for (const MemberAnswer& answer : answers) {
    if (!answer.status.ok()) continue;
    for (const EntropyPeerView& peer : answer.status->entropy.peers) {
      left_out += peer.partitions_differing - peer.partitions.size();
      for (const auto& one : peer.partitions) {
        table.AddRow({absl::StrCat(one.partition), answer.member->name, MemberName(state, MemberId(peer.member)),
                      absl::StrCat(one.segments)});
      }
    }
  }
  context.out() << '\n';
  table.Print(context.out());
  if (left_out > 0) context.out() << "and " << left_out << " more that differ in fewer segments\n";
}

void PrintJson(Context& context, const ClusterState& state, const std::vector<MemberAnswer>& answers) {
  Json json = Json::array();
  for (const MemberAnswer& answer : answers) {
    Json member = {{"name", answer.member->name}, {"reachable", answer.status.ok()}};
    if (answer.status.ok()) {
      member["entropy"] = EntropyJson(state, answer.status->entropy);
    } else {
      member["error"] = std::string(answer.status.status().message());
    }
    json.push_back(std::move(member));
  }
  context.out() << PrettyJson(json) << '\n';
}

ExitCode Entropy(Context& context, bool by_partition) {
  auto ring = FetchRing(context);
  if (!ring.ok()) return context.Fail(ring.status());
  const std::vector<MemberAnswer> answers = AskAll(ring->state(), context.flags().timeout);
  if (context.output() == Output::kJson) {
    PrintJson(context, ring->state(), answers);
  } else {
    PrintTable(context, ring->state(), answers);
    if (by_partition) PrintPartitions(context, ring->state(), answers);
  }
  return ExitCode::kOk;
}

// What still stands in the way, or nothing. A round counts if it ended since `waited` ago.
std::string Missing(const ClusterState& state, const MemberAnswer& answer, milliseconds waited) {
  const std::string& name = answer.member->name;
  if (!answer.status.ok())
    return absl::StrCat(name, " is unreachable: ", std::string(answer.status.status().message()));
  const EntropyView& entropy = answer.status->entropy;
  if (entropy.recovering > 0) return absl::StrCat(name, " is recovering ", entropy.recovering, " partitions");
  for (const PendingHintsView& hint : answer.status->hints) {
    if (hint.hints == 0) continue;
    return absl::StrCat(name, " keeps ", hint.hints, " hints for ", MemberName(state, MemberId(hint.target)));
  }
  for (const EntropyPeerView& peer : entropy.peers) {
    const std::string pair = absl::StrCat(name, " and ", MemberName(state, MemberId(peer.member)));
    if (peer.leaves_differing > 0) return absl::StrCat(pair, " differ in ", peer.leaves_differing, " segments");
    const bool fresh = peer.finished_ms.has_value() && static_cast<int64_t>(*peer.finished_ms) < waited.count();
    if (!fresh) return absl::StrCat(pair, " have not been compared to the end since");
  }
  return "";
}

ExitCode WaitConverged(Context& context) {
  auto ring = FetchRing(context);
  if (!ring.ok()) return context.Fail(ring.status());
  const milliseconds patience = context.flags().timeout;
  const Clock::time_point began = Clock::now();
  for (;;) {
    const auto waited = std::chrono::duration_cast<milliseconds>(Clock::now() - began);
    std::string missing;
    for (const MemberAnswer& answer : AskAll(ring->state(), std::min(patience, kAnswerTimeMax))) {
      if (missing.empty()) missing = Missing(ring->state(), answer, waited);
    }
    if (missing.empty()) {
      context.Say(absl::StrCat("converged after ", HumanDuration(static_cast<double>(waited.count()) / 1000)));
      return ExitCode::kOk;
    }
    if (waited >= patience) return context.Fail(absl::DeadlineExceededError(absl::StrCat("not converged: ", missing)));
    std::this_thread::sleep_for(kPollInterval);
  }
}

}  // namespace

void DeclareEntropyCommands(CLI::App& app, Action& chosen) {
  CLI::App* entropy =
      app.add_subcommand("entropy", "Show how far the replicas are from being equal, as each node knows it");
  auto by_partition = std::make_shared<bool>(false);
  entropy->add_flag("--partitions", *by_partition, "List the partitions that differ, too");
  entropy->callback([&chosen, by_partition] {
    chosen = [by_partition](Context& context) { return Entropy(context, *by_partition); };
  });
  CLI::App* wait = app.add_subcommand(
      "wait-converged", "Wait, up to --timeout, until every node was compared with all its peers and none differs");
  wait->callback([&chosen] { chosen = WaitConverged; });
}

}  // namespace henge::cli
