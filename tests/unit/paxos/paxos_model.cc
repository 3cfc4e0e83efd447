#include "tests/unit/paxos/paxos_model.h"

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "core/model/paxos_proposer.h"

namespace henge::paxos_test {
namespace {

using Phase = PaxosProposer::Phase;
using Kind = PaxosAnswer::Kind;

struct Message {
  bool is_answer = false;
  int attempt = 0;  // an answer reaches the call that it answers, never one of another life with the same ballot
  Phase phase = Phase::kPrepare;
  Ballot ballot;
  std::string value;  // of an accept
  MemberId voter;
  PaxosAnswer answer;
};

class History {
 public:
  History(uint64_t seed, Plant plant) : random_(seed), plant_(plant), voters_(3 + Below(3)), proposers_(2 + Below(2)) {
    for (uint32_t v = 1; v <= voters_; ++v) ids_.push_back(MemberId(v));
    nodes_.resize(voters_);
    rounds_.resize(proposers_);
  }

  Outcome Run() {
    const int steps = 50 + static_cast<int>(Below(250));
    for (int i = 0; i < steps; ++i) Step();
    return std::move(outcome_);
  }

 private:
  struct Node {
    PaxosAcceptor now;
    PaxosAcceptor durable;
    std::vector<Message> waiting;  // answers that leave once `now` is durable
  };

  uint64_t Below(uint64_t n) { return random_() % n; }
  Node& NodeOf(MemberId voter) { return nodes_[voter.value() - 1]; }

  void Step() {
    const uint64_t dice = Below(100);
    if (dice < 4) return StartBallot();
    if (dice < 26) return Sync(nodes_[Below(nodes_.size())]);
    if (dice < 28) return Crash(nodes_[Below(nodes_.size())]);
    if (wire_.empty()) return;
    const size_t at = Below(wire_.size());
    Message message = wire_[at];
    const bool stays = Below(12) == 0;  // will come again
    if (!stays) wire_.erase(wire_.begin() + static_cast<std::ptrdiff_t>(at));
    if (dice < 31) return;  // lost
    if (message.is_answer) return ToProposer(std::move(message));
    ToVoter(std::move(message));
  }

  // A proposer that is new, or was started again, knows no round: its ballots may be those of its last life.
  void StartBallot() {
    const size_t p = Below(proposers_);
    if (Below(3) == 0) rounds_[p] = 0;
    const Ballot ballot{++rounds_[p], MemberId(static_cast<uint32_t>(p + 1))};
    ++outcome_.ballots;
    attempts_[p] = outcome_.ballots;
    active_[p].emplace(ballot, "v" + std::to_string(outcome_.ballots), ids_, voters_ / 2 + 1);
    SendPhase(*active_[p]);
  }

  void SendPhase(const PaxosProposer& proposer) {
    for (MemberId voter : ids_) {
      wire_.push_back({.attempt = attempts_[proposer.ballot().member.value() - 1],
                       .phase = proposer.phase(),
                       .ballot = proposer.ballot(),
                       .value = proposer.value(),
                       .voter = voter});
    }
  }

  void ToVoter(Message message) {
    Node& node = NodeOf(message.voter);
    Message answer{.is_answer = true,
                   .attempt = message.attempt,
                   .phase = message.phase,
                   .ballot = message.ballot,
                   .voter = message.voter};
    bool granted = false;
    if (message.phase == Phase::kPrepare) {
      const bool again = plant_ == Plant::kGrantsTwice && message.ballot == node.now.promised();
      granted = node.now.Prepare(message.ballot) || again;
      answer.answer.accepted = node.now.accepted();
    } else {
      if (plant_ == Plant::kForgetsPromise) ForgetPromise(node.now);
      granted = node.now.Accept(message.ballot, message.value);
    }
    answer.answer.kind = granted ? Kind::kGranted : Kind::kRefused;
    answer.answer.promised = node.now.promised();
    if (!granted || plant_ == Plant::kPromiseNotDurable) {
      wire_.push_back(std::move(answer));
    } else {
      node.waiting.push_back(std::move(answer));
    }
  }

  static void ForgetPromise(PaxosAcceptor& acceptor) {
    PaxosAcceptor forgetful;
    if (!acceptor.accepted().ballot.IsNone()) {
      forgetful.Accept(acceptor.accepted().ballot, acceptor.accepted().value);
    }
    acceptor = std::move(forgetful);
  }

  void ToProposer(Message message) {
    const size_t p = message.ballot.member.value() - 1;
    auto& proposer = active_[p];
    if (!proposer.has_value() || attempts_[p] != message.attempt) return;
    if (plant_ == Plant::kIgnoresAccepted) message.answer.accepted = {};
    const Phase before = proposer->phase();
    rounds_[p] = std::max(rounds_[p], message.answer.promised.round);
    proposer->OnAnswer(message.phase, message.voter, std::move(message.answer));
    if (proposer->phase() == before) return;
    if (proposer->phase() == Phase::kAccept) SendPhase(*proposer);
    if (proposer->phase() == Phase::kDecided) outcome_.decided.insert(proposer->value());
  }

  // The note goes through its canonical bytes, as on a disk.
  void Sync(Node& node) {
    node.durable = PaxosAcceptor::Decode(node.now.Encode(StateVersion(2)))->acceptor;
    for (Message& answer : node.waiting) wire_.push_back(std::move(answer));
    node.waiting.clear();
  }

  void Crash(Node& node) {
    ++outcome_.crashes;
    node.now = node.durable;
    node.waiting.clear();
  }

  std::mt19937_64 random_;
  const Plant plant_;
  const size_t voters_;
  const size_t proposers_;
  std::vector<MemberId> ids_;
  std::vector<Node> nodes_;
  std::vector<uint64_t> rounds_;
  std::map<size_t, std::optional<PaxosProposer>> active_;
  std::map<size_t, int> attempts_;
  std::vector<Message> wire_;
  Outcome outcome_;
};

}  // namespace

Outcome RunHistory(uint64_t seed, Plant plant) { return History(seed, plant).Run(); }

}  // namespace henge::paxos_test
