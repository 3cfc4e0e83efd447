// status: every member, asked directly, as it sees itself and the others.
#include <CLI/App.hpp>
#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/cluster_view.h"
#include "cli/commands.h"
#include "cli/encoding.h"
#include "cli/json.h"
#include "cli/table.h"
#include "henge/admin.h"

namespace henge::cli {
namespace {

struct MemberAnswer {
  const Member* member;
  Ownership ownership;
  absl::StatusOr<NodeStatus> status;
};

// All at once, so that one that hangs costs the others no time.
std::vector<MemberAnswer> AskAll(const ClusterState& state, std::chrono::milliseconds timeout) {
  std::vector<std::future<absl::StatusOr<NodeStatus>>> pending;
  pending.reserve(state.members.size());
  for (const Member& member : state.members) {
    pending.push_back(std::async(std::launch::async, FetchNodeStatus, member.client_address, timeout));
  }
  std::vector<Ownership> ownership = CountOwnership(state);
  std::vector<MemberAnswer> answers;
  for (size_t i = 0; i < pending.size(); ++i) {
    answers.push_back({&state.members[i], ownership[i], pending[i].get()});
  }
  return answers;
}

std::string PeersText(const ClusterState& state, const NodeStatus& status) {
  std::vector<std::string> parts;
  for (const PeerView& peer : status.peers) {
    std::string name = MemberName(state, MemberId(peer.member));
    if (peer.liveness == "dead" || peer.liveness == "suspect") {
      parts.push_back(absl::StrCat(name, " ", peer.liveness, peer.connected ? "" : " (not connected)"));
    } else if (!peer.connected) {
      parts.push_back(name + " down");
    } else if (peer.disqualified) {
      parts.push_back(name + " slow");
    } else if (peer.latency_p95_us == 0) {
      parts.push_back(name + " up");
    } else {
      parts.push_back(absl::StrFormat("%s %.1f ms", name, static_cast<double>(peer.latency_p95_us) / 1e3));
    }
  }
  return absl::StrJoin(parts, ", ");
}

// Since `unix_ms`, by the clock of this machine.
std::string AgeText(uint64_t unix_ms) {
  const auto now =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch());
  return HumanDuration(std::max(0.0, static_cast<double>(now.count()) - static_cast<double>(unix_ms)) / 1e3);
}

// "12 for n3 (3m), 5 for n4 (10s), 2 marks (1h)", each with the age of the oldest; or "-".
std::string HintsText(const ClusterState& state, const NodeStatus& status) {
  std::vector<std::string> parts;
  for (const PendingHintsView& pending : status.hints) {
    parts.push_back(absl::StrCat(pending.hints, " for ", MemberName(state, MemberId(pending.target))));
    if (pending.since_ms > 0) absl::StrAppend(&parts.back(), " (", AgeText(pending.since_ms), ")");
  }
  if (status.hint_marks > 0) {
    parts.push_back(absl::StrCat(status.hint_marks, status.hint_marks == 1 ? " mark" : " marks"));
    if (status.hint_marks_since_ms > 0) absl::StrAppend(&parts.back(), " (", AgeText(status.hint_marks_since_ms), ")");
  }
  return parts.empty() ? "-" : absl::StrJoin(parts, ", ");
}

// What of the hints an operator should look at.
void SayHintProblems(Context& context, const std::string& name, const NodeStatus& status) {
  if (status.hints_set_aside > 0) {
    context.Say(absl::StrCat(name, " has set ", status.hints_set_aside,
                             " broken hints aside: check its disk; the other owners have the records"));
  }
  if (status.hints_refused_full > 0) {
    context.Say(absl::StrCat(name, " has refused ", status.hints_refused_full,
                             " hints since its start, as it kept as many as it may (hints.bytes_max, ",
                             HumanBytes(status.hints_bytes_max), "): bring back who they are for, or raise the bound"));
  }
  if (status.hints_refused_member > 0) {
    context.Say(absl::StrCat(name, " was sent ", status.hints_refused_member,
                             " hints for members that are not in the cluster, and refused them: look at its log for "
                             "by whom, and let that one catch up or stop it"));
  }
}

// Who called a node, or whom it called, and must not have.
void SayPeerProblems(Context& context, const std::string& name, const NodeStatus& status) {
  if (!status.refused_as_second.empty()) {
    context.Say(absl::StrCat(name, " serves no clients: ", status.refused_as_second,
                             " knows another live process of this member. Stop one of the two; if the data directory "
                             "was copied, delete the copy"));
  }
  if (status.second_processes_refused > 0) {
    context.Say(absl::StrCat(name, " has refused a second live process of a member ", status.second_processes_refused,
                             " times since its start: look at its log for which"));
  }
  if (status.foreign_peers_refused > 0) {
    context.Say(absl::StrCat(name, " has refused peers of another cluster, version or of no member ",
                             status.foreign_peers_refused, " times since its start: look at its log for who"));
  }
  if (status.peer_calls_refused > 0) {
    context.Say(absl::StrCat(name, " has refused ", status.peer_calls_refused,
                             " calls of peers that its version doesn't know: run versions that fit together"));
  }
  if (status.entropy.refused + status.entropy.refused_by_peers > 0) {
    context.Say(absl::StrCat(name, " has refused ", status.entropy.refused, " comparisons of replicas, and its peers ",
                             status.entropy.refused_by_peers,
                             " of its own, since its start, as their trees have other parameters: look at its log for "
                             "which; what differs is not repaired meanwhile"));
  }
}

void PrintTable(Context& context, const Ring& ring, const std::vector<MemberAnswer>& answers) {
  using Align = Table::Align;
  Table table({{"NAME"},
               {"ADDRESS"},
               {"STATE"},
               {"VERSION"},
               {"RING", Align::kRight},
               {"OWNS", Align::kRight},
               {"KEYS", Align::kRight},
               {"DATA", Align::kRight},
               {"MEMORY", Align::kRight},
               {"UP", Align::kRight},
               {"HINTS"},
               {"PEERS"}});
  for (const MemberAnswer& answer : answers) {
    std::string owns = Percent(answer.ownership.owned, kPartitionCount);
    if (!answer.status.ok()) {
      table.AddRow({answer.member->name, answer.member->client_address, "unreachable", "-", "-", owns, "-", "-", "-",
                    "-", "-", ""});
      continue;
    }
    const NodeStatus& status = *answer.status;
    table.AddRow({answer.member->name, answer.member->client_address, status.state, status.version,
                  absl::StrCat("v", status.state_version), owns, absl::StrCat(status.keys_estimate),
                  HumanBytes(status.data_bytes), HumanBytes(status.resident_bytes),
                  HumanDuration(static_cast<double>(status.uptime_s)), HintsText(ring.state(), status),
                  PeersText(ring.state(), status)});
  }
  table.Print(context.out());
}

// What an operator should look at.
void SayProblems(Context& context, const Ring& ring, const std::vector<MemberAnswer>& answers) {
  for (const MemberAnswer& answer : answers) {
    const std::string& name = answer.member->name;
    if (!answer.status.ok()) {
      context.Say(absl::StrCat(name, " is unreachable: ", answer.status.status().message()));
      continue;
    }
    const NodeStatus& status = *answer.status;
    if (status.cluster != ring.cluster().value()) {
      context.Say(absl::StrCat(name, " answers for another cluster (", Hex(status.cluster), "): check its address"));
    }
    if (status.name != name) {
      context.Say(absl::StrCat("at ", answer.member->client_address, " answers ", status.name, ", not ", name,
                               ": check the addresses of both"));
    }
    if (status.state_version != ring.version().value()) {
      context.Say(absl::StrCat(name, " has version ", status.state_version, " of the cluster state, not ",
                               ring.version().value()));
    }
    if (status.gossip_forged + status.gossip_bad_messages > 0) {
      context.Say(absl::StrCat(name, " was sent ", status.gossip_bad_messages,
                               " gossip messages that it can't read and ", status.gossip_forged,
                               " incarnations that nobody can have: look at its log for who"));
    }
    if (status.disk != "plenty" && !status.disk.empty()) {
      context.Say(
          absl::StrCat(name, "'s disk is short of room (", status.disk, "): it refuses writes until there is more"));
    }
    SayHintProblems(context, name, status);
    SayPeerProblems(context, name, status);
    if (status.dot_collisions > 0) {
      context.Say(
          absl::StrCat(name, " has seen ", status.dot_collisions,
                       " versions under a reused identity: a store was copied or restored behind the cluster's back"));
    }
  }
}

Json StatusJson(const NodeStatus& status) {
  Json json = {{"state", status.state},
               {"program_version", status.version},
               {"member", status.member},
               {"store", Hex(status.store)},
               {"state_version", status.state_version},
               {"uptime_s", status.uptime_s},
               {"shards", status.shards},
               {"owned_partitions", status.owned_partitions},
               {"keys_estimate", status.keys_estimate},
               {"data_bytes", status.data_bytes},
               {"store_memory_bytes", status.store_memory_bytes},
               {"resident_bytes", status.resident_bytes},
               {"cpu_seconds", status.cpu_seconds},
               {"disk", status.disk},
               {"gets", status.gets},
               {"puts", status.puts},
               {"deletes", status.deletes},
               {"forwarded", status.forwarded},
               {"refused", status.refused},
               {"quorum_failures", status.quorum_failures},
               {"hedges", status.hedges},
               {"read_repairs", status.read_repairs},
               {"blind_writes", status.blind_writes},
               {"dot_collisions", status.dot_collisions},
               {"quarantined", status.quarantined},
               {"commits", status.commits},
               {"commit_records", status.commit_records}};
  json["hints"] = {{"stored", status.hints_stored},
                   {"delivered", status.hints_delivered},
                   {"redirected", status.hints_redirected},
                   {"dropped", status.hints_dropped},
                   {"refused_full", status.hints_refused_full},
                   {"refused_member", status.hints_refused_member},
                   {"set_aside", status.hints_set_aside},
                   {"bytes_max", status.hints_bytes_max},
                   {"marked", status.hints_marked},
                   {"marks", status.hint_marks},
                   {"marks_cleared", status.hint_marks_cleared},
                   {"marks_since_ms", status.hint_marks_since_ms}};
  json["hints"]["pending"] = Json::array();
  for (const PendingHintsView& pending : status.hints) {
    json["hints"]["pending"].push_back({{"target", pending.target},
                                        {"hints", pending.hints},
                                        {"bytes", pending.bytes},
                                        {"since_ms", pending.since_ms}});
  }
  json["gossip"] = {{"probes", status.gossip_probes},           {"probes_failed", status.gossip_probes_failed},
                    {"refutations", status.gossip_refutations}, {"forged", status.gossip_forged},
                    {"bytes_sent", status.gossip_bytes_sent},   {"bad_messages", status.gossip_bad_messages},
                    {"stalls", status.gossip_stalls},           {"health", status.gossip_health}};
  json["refusals"] = {{"second_processes", status.second_processes_refused},
                      {"foreign_peers", status.foreign_peers_refused},
                      {"peer_calls", status.peer_calls_refused},
                      {"trees", status.entropy.refused},
                      {"trees_by_peers", status.entropy.refused_by_peers},
                      {"as_second_by", status.refused_as_second}};
  json["peers"] = Json::array();
  for (const PeerView& peer : status.peers) {
    json["peers"].push_back({{"member", peer.member},
                             {"connected", peer.connected},
                             {"liveness", peer.liveness},
                             {"incarnation", peer.incarnation},
                             {"disqualified", peer.disqualified},
                             {"latency_p95_us", peer.latency_p95_us},
                             {"calls", peer.calls},
                             {"failures", peer.failures}});
  }
  return json;
}

void PrintJson(Context& context, const Ring& ring, const std::vector<MemberAnswer>& answers) {
  Json json = {{"cluster", Hex(ring.cluster().value())},
               {"state_version", ring.version().value()},
               {"replicas", ring.state().replicas}};
  json["members"] = Json::array();
  for (const MemberAnswer& answer : answers) {
    Json member = {{"name", answer.member->name},
                   {"address", answer.member->client_address},
                   {"zone", answer.member->zone},
                   {"owned_share", static_cast<double>(answer.ownership.owned) / kPartitionCount},
                   {"reachable", answer.status.ok()}};
    if (answer.status.ok()) {
      member["status"] = StatusJson(*answer.status);
    } else {
      member["error"] = std::string(answer.status.status().message());
    }
    json["members"].push_back(std::move(member));
  }
  context.out() << PrettyJson(json) << '\n';
}

ExitCode Status(Context& context) {
  auto ring = FetchRing(context);
  if (!ring.ok()) return context.Fail(ring.status());
  std::vector<MemberAnswer> answers = AskAll(ring->state(), context.flags().timeout);
  if (context.output() == Output::kJson)
    PrintJson(context, *ring, answers);
  else
    PrintTable(context, *ring, answers);
  SayProblems(context, *ring, answers);
  return ExitCode::kOk;
}

}  // namespace

void DeclareStatusCommand(CLI::App& app, Action& chosen) {
  CLI::App* command = app.add_subcommand("status", "Show each node: state, share, size, and its peers as it sees them");
  command->callback([&chosen] { chosen = Status; });
}

}  // namespace henge::cli
