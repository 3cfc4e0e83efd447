#include "tests/sim/scene.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace henge::sim {
namespace {

ClusterState StateOf(const SceneOptions& options) {
  std::vector<InitialMember> members;
  for (int i = 1; i <= options.nodes; ++i) {
    const std::string host = absl::StrCat("n", i);
    members.push_back({host, absl::StrCat(host, ":7400"), absl::StrCat(host, ":7401"), "", 100});
  }
  return *MakeInitialState("scene", options.replicas, std::move(members));
}

}  // namespace

Scene::Scene(SceneOptions options)
    : scheduler_(options.seed, options.events_max),
      random_(options.seed),
      network_(scheduler_, random_.Split("network"), options.link),
      ring_(std::make_shared<Ring>(StateOf(options))),
      client_(scheduler_, network_, ClientHost(1)) {
  for (int i = 1; i <= options.nodes; ++i) {
    SimNodeOptions n{.member = MemberId(static_cast<uint32_t>(i)), .state = ring_->state(), .shards = options.shards};
    n.gossip = options.gossip;
    n.bug = options.bug;
    n.anti_entropy = options.anti_entropy;
    n.scrub = options.scrub;
    n.background_interval = options.background_interval;
    nodes_.push_back(std::make_unique<SimNode>(scheduler_, network_, random_, monitor_, serious_, std::move(n), [] {}));
    nodes_.back()->ShowLines([this](const std::string& line) { lines_.push_back(line); });
    Start(i);
  }
  // Until each member is bound to its store (P31), and compared with the others (P15).
  const auto whole = [](const auto& node) {
    return node->node().ring()->version() > StateVersion(1) && node->EntropyFigures().recovering == 0;
  };
  Until([&] { return std::all_of(nodes_.begin(), nodes_.end(), whole); }, std::chrono::seconds(60));
}

void Scene::Start(int number) {
  if (absl::Status started = node(number).Start(); !started.ok()) {
    serious_.push_back({scheduler_.now(), absl::StrCat("n", number), Severity::kAlarm, "StartFailed",
                        absl::StrCat("n", number, " does not start: ", started.ToString())});
  }
}

int64_t Scene::WallMs() const {
  const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(scheduler_.now().time_since_epoch());
  return SimClockOptions().wall_origin.time_since_epoch().count() + passed.count();
}

std::vector<int> Scene::Owners(const std::string& key) const {
  std::vector<int> owners;
  for (MemberId owner : ring_->Owners(PartitionOf(key))) owners.push_back(static_cast<int>(owner.value()));
  return owners;
}

std::vector<int> Scene::Others(const std::string& key) const {
  std::vector<int> others;
  for (const Member& member : ring_->state().members) {
    if (!ring_->IsOwner(PartitionOf(key), member.id)) others.push_back(static_cast<int>(member.id.value()));
  }
  return others;
}

ClientRequest Scene::RequestOf(ClientOp op, const std::string& key, const std::string& value, const Ask& ask) const {
  ClientRequest request;
  request.op = op;
  request.bucket = ask.bucket;
  request.key = key;
  request.value = value;
  request.context = ask.context;
  request.expires_at_ms = ask.expires_at_ms;
  request.op_id = ask.op_id;
  if (op != ClientOp::kGet && ask.op_id.IsNone()) request.op_id = {7, ++op_ids_};
  request.consistency = {ask.quorum, ask.quorum != 0, ask.strict ? QuorumMode::kStrict : QuorumMode::kSloppy};
  request.budget = ask.patience;
  return request;
}

ClientReply Scene::Call(int node, const ClientRequest& request, Duration patience) {
  ClientReply answer;
  bool done = false;
  client_.Call(MemberId(static_cast<uint32_t>(node)), request, patience, [&](absl::StatusOr<ClientReply> reply) {
    done = true;
    if (reply.ok()) {
      answer = *std::move(reply);
    } else {
      answer.status = reply.status();
      answer.outcome = Outcome::kUnknown;
    }
  });
  Until([&done] { return done; }, 2 * patience);
  return answer;
}

ClientReply Scene::Put(int node, const std::string& key, const std::string& value, const Ask& ask) {
  return Call(node, RequestOf(ClientOp::kPut, key, value, ask), ask.patience);
}

ClientReply Scene::Delete(int node, const std::string& key, const Ask& ask) {
  return Call(node, RequestOf(ClientOp::kDelete, key, "", ask), ask.patience);
}

ClientReply Scene::Get(int node, const std::string& key, const Ask& ask) {
  return Call(node, RequestOf(ClientOp::kGet, key, "", ask), ask.patience);
}

void Scene::Send(int node, ClientRequest request) {
  const Duration patience = request.budget;
  client_.Call(MemberId(static_cast<uint32_t>(node)), request, patience, [](const absl::StatusOr<ClientReply>&) {});
}

absl::Status Scene::Change(int at, const StateChange& change) {
  absl::Status status = absl::DeadlineExceededError("the change does not end");
  bool done = false;
  node(at).ChangeState(change, std::chrono::seconds(20), [&](const absl::StatusOr<StateVersion>& version) {
    status = version.status();
    done = true;
  });
  Until([&done] { return done; }, std::chrono::seconds(30));
  return status;
}

void Scene::Isolate(int number) {
  for (const auto& other : nodes_) {
    const int to = static_cast<int>(other->member().value());
    if (to != number) CutBoth(number, to);
  }
}

bool Scene::OwnersEqual(const std::string& key) {
  const std::vector<int> owners = Owners(key);
  return std::all_of(owners.begin(), owners.end(),
                     [&](int owner) { return node(owner).running() && Record(owner, key) == Record(owners[0], key); });
}

uint64_t Scene::Hints() {
  uint64_t hints = 0;
  for (const auto& node : nodes_) hints += node->running() ? node->hint_figures().hints : 0;
  return hints;
}

int Scene::Count(const std::string& event, int node) const {
  const std::string name = absl::StrCat(" n", node, " ");
  return static_cast<int>(std::count_if(lines_.begin(), lines_.end(), [&](const std::string& line) {
    const size_t at = line.find(" " + event);
    const size_t end = at + event.size() + 1;
    return at != std::string::npos && (end == line.size() || line[end] == ' ') &&
           (node == 0 || line.find(name) != std::string::npos);
  }));
}

std::vector<std::string> Scene::Troubles(const std::string& planned) const {
  std::vector<std::string> troubles;
  for (const SeriousEvent& e : serious_) {
    if (e.severity == Severity::kAlarm && e.event != planned) troubles.push_back(e.text);
  }
  for (const Violation& v : monitor_.violations()) troubles.push_back(v.invariant + ": " + v.what);
  return troubles;
}

}  // namespace henge::sim
