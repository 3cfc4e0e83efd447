#include "coordinator/write_round.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/mutation_operation.h"
#include "coordinator/probe.h"
#include "core/model/object.h"

namespace henge {
namespace {

// What a peer's ack says about the coordinator's actor, for the belt (P7).
absl::StatusOr<uint64_t> MinterCounter(const absl::StatusOr<PeerReply>& reply) {
  if (!reply.ok()) return reply.status();
  if (const auto* merge = std::get_if<MergeReply>(&*reply)) return merge->minter_counter;
  if (const auto* hint = std::get_if<HintReply>(&*reply)) return hint->minter_counter;
  return absl::InternalError("the peer answered a write with another kind of reply");
}

int Candidates(const CoordinatorCore& core, const RecordKey& key, const WritePlan& plan) {
  return static_cast<int>(core.ring->Owners(key.partition).size()) + (plan.as_fallback ? 1 : 0);
}

}  // namespace

WriteRound::WriteRound(CorePtr core, RecordKey key, WritePlan plan, MonotonicTime deadline)
    : core_(std::move(core)),
      key_(std::move(key)),
      deadline_(deadline),
      epoch_(core_->ring->Epoch(key_.partition)),
      plan_(plan),
      sloppy_(!plan.strict && core_->hints != nullptr),
      tally_(plan.needed, Candidates(*core_, key_, plan)) {}

std::shared_ptr<WriteRound> WriteRound::Mint(CorePtr core, MintCommand command, WritePlan plan) {
  LocalReplica& local = core->local;
  LocalHints* const hints = core->hints;
  auto round = std::make_shared<WriteRound>(std::move(core), command.key, plan, command.deadline);
  round->context_ = command.context;
  round->ArmTimer(round->FirstDue());
  auto minted = [round](absl::StatusOr<MintResult> result) { round->OnMinted(std::move(result)); };
  auto durable = [round](absl::Status status) {
    // This node stands first in nodes_.
    if (!round->core_->stopped()) round->Settle(0, std::move(status));
  };
  if (plan.as_fallback) {
    const MemberId target = MissingOwner(*round->core_, command.key.partition);
    round->nodes_.push_back({.member = round->core_->options.self, .target = target});
    hints->Mint(std::move(command), target, static_cast<uint32_t>(plan.needed), std::move(minted), std::move(durable));
  } else {
    local.Mint(std::move(command), std::move(minted), std::move(durable));
  }
  return round;
}

std::shared_ptr<WriteRound> WriteRound::Replicate(CorePtr core, RecordKey key,
                                                  std::shared_ptr<const std::string> object,
                                                  std::span<const MemberId> holders, WritePlan plan,
                                                  MonotonicTime deadline) {
  auto round = std::make_shared<WriteRound>(std::move(core), std::move(key), plan, deadline);
  round->ArmTimer(round->FirstDue());
  round->object_ = std::move(object);
  if (plan.as_fallback) {
    const MemberId target = MissingOwner(*round->core_, round->key_.partition);
    round->nodes_.push_back({.member = round->core_->options.self, .target = target});
  }
  round->AddNodes();
  const auto holds = [&](size_t i) {
    return std::find(holders.begin(), holders.end(), round->nodes_[i].member) != holders.end();
  };
  // The others first: the holders alone may be W. Of these this node last: it may answer within the call, and that may
  // be the round's end, after which there is nothing left to send.
  const size_t count = round->nodes_.size();
  for (size_t i = 1; i < count; ++i) {
    if (!holds(i)) round->Send(i);
  }
  if (!holds(0)) round->Send(0);
  for (size_t i = 0; i < count; ++i) {
    if (holds(i)) round->Settle(i, absl::OkStatus());
  }
  round->JoinAvoided();
  return round;
}

void WriteRound::OnMinted(absl::StatusOr<MintResult> result) {
  if (core_->stopped()) return;
  if (!result.ok()) {
    if (!finished_) Finish({.verdict = Verdict::kImpossible, .not_minted = std::move(result).status()});
    return;
  }
  minted_ = *std::move(result);
  object_ = std::move(minted_->object);
  epoch_ = core_->ring->Epoch(key_.partition);
  // A version that was found may be of any actor: there is no counter to hold against it.
  if (!minted_->found) minter_ = minted_->dot.actor;
  AddNodes();
  for (size_t i = 1, count = nodes_.size(); i < count; ++i) Send(i);
  JoinAvoided();
}

void WriteRound::AddNodes() {
  sending_ = true;
  const MemberId self = core_->options.self;
  if (nodes_.empty()) nodes_.push_back({.member = self, .target = self});
  for (MemberId owner : core_->ring->Owners(key_.partition)) {
    if (owner == self) continue;
    nodes_.push_back({.member = owner, .target = owner});
    // Its stand-in is this node.
    if (owner == nodes_[0].target) nodes_.back().joined = true;
  }
}

void WriteRound::SendLocally() {
  auto settle = [round = shared_from_this()](const absl::Status& status) {
    if (!round->core_->stopped()) round->Settle(0, status);
  };
  if (plan_.as_fallback) {
    HintRequest hint{.key = key_, .epoch = epoch_, .target = nodes_[0].target, .object = *object_, .minter = minter_};
    hint.needed = static_cast<uint32_t>(plan_.needed);
    core_->hints->Store(std::move(hint), [settle](absl::StatusOr<HintReply> reply) { settle(reply.status()); });
  } else {
    MergeRequest merge{.key = key_, .epoch = epoch_, .object = *object_, .minter = minter_};
    core_->local.Merge(std::move(merge), [settle](absl::StatusOr<MergeReply> reply) { settle(reply.status()); });
  }
}

void WriteRound::Send(size_t index) {
  Node& node = nodes_[index];
  const MonotonicTime now = core_->env.clock.Now();
  node.sent_at = now;
  node.due = now + core_->health.HedgeDelay(node.member, CoordinatorCore::Attempt::kWrite);
  if (index == 0) {
    SendLocally();
    return;
  }
  node.sent = !LeavesOut(node);
  if (!node.sent) return;
  if (sloppy_ && (!timer_.has_value() || node.due < timer_at_)) ArmTimer(node.due);
  PeerRequest request;
  MonotonicTime deadline = deadline_;
  if (node.role() == Role::kOwner) {
    request = MergeRequest{.key = key_, .epoch = epoch_, .object = *object_, .minter = minter_};
  } else {
    request = HintRequest{.key = key_,
                          .epoch = epoch_,
                          .target = node.target,
                          .object = *object_,
                          .minter = minter_,
                          .needed = static_cast<uint32_t>(plan_.needed)};
    if (finished_) deadline = now + core_->options.budget_default;
    ++core_->figures.hints_sent;
  }
  core_->env.transport.Call(
      node.member, std::move(request), deadline,
      [round = shared_from_this(), index](absl::StatusOr<PeerReply> reply) { round->OnPeer(index, std::move(reply)); });
}

void WriteRound::OnPeer(size_t index, absl::StatusOr<PeerReply> reply) {
  if (core_->stopped()) return;
  absl::StatusOr<uint64_t> counter = MinterCounter(reply);
  Node& node = nodes_[index];
  core_->OnReply(node.member, counter.status());
  if (!counter.ok()) {
    StrikeFor(node, counter.status());
    Settle(index, std::move(counter).status());
    return;
  }
  core_->OnFirstAnswer(node.member, node.sent_at, CoordinatorCore::Attempt::kWrite);
  OnAck(index, *counter);
}

void WriteRound::StrikeFor(Node& node, const absl::Status& error) {
  // A client's short deadline says nothing about the replica.
  const bool waited = core_->env.clock.Now() - node.sent_at >= Patience(node.member);
  if (!absl::IsUnavailable(error) && !(absl::IsDeadlineExceeded(error) && waited)) return;
  if (std::exchange(node.struck, true)) return;
  core_->OnStrike(node.member, node.sent_at, CoordinatorCore::Attempt::kWrite);
}

void WriteRound::OnAck(size_t index, uint64_t minter_counter) {
  if (minter_.has_value() && minter_counter > minted_->dot.counter) {
    CheckBelt(index, minter_counter);
  } else if (minter_.has_value() && minter_counter < minted_->dot.counter) {
    Settle(index, absl::InternalError("the replica acked a version that it doesn't cover"));
  } else {
    Settle(index, absl::OkStatus());
  }
}

// The peer knows more of this actor than the version that it acks: a later mint overtook, or history was lost here and
// the peer has dropped the version as known. Until that is clear its ack counts as nothing.
void WriteRound::CheckBelt(size_t index, uint64_t counter) {
  core_->local.CheckAmnesia(key_, Dot{minted_->dot.actor, counter},
                            [round = shared_from_this(), index](absl::StatusOr<bool> amnesia) {
                              if (round->core_->stopped()) return;
                              if (amnesia.ok() && *amnesia) {
                                round->OnAmnesia();
                              } else {
                                round->Settle(index, amnesia.status());
                              }
                            });
}

void WriteRound::OnAmnesia() {
  if (std::exchange(amnesia_, true)) return;
  ++core_->figures.amnesia_events;
  if (!finished_) {
    Finish({.verdict = Verdict::kImpossible, .amnesia = true});
    return;
  }
  Release();
  MintAgainLate();
}

void WriteRound::ReadOwnRecord(LocalReplica::ReadFn done) {
  if (plan_.as_fallback) {
    core_->hints->Read(key_, std::move(done));
  } else {
    core_->local.Read(key_, std::move(done));
  }
}

// The client has its answer already; the copies that it was told of are about to be covered.
void WriteRound::MintAgainLate() {
  ReadOwnRecord([round = shared_from_this()](absl::StatusOr<ReadReply> record) {
    CoordinatorCore& core = *round->core_;
    if (core.stopped()) return;
    absl::StatusOr<MintCommand> command = record.ok() ? round->CommandFrom(record->object) : record.status();
    // What a later write has replaced needs no new version.
    if (absl::IsNotFound(command.status())) return;
    std::string why = command.status().ToString();
    if (command.ok()) {
      command->deadline = core.env.clock.Now() + core.options.budget_default;
      if (core.scope->Spawn(MintAgain(round->core_, *std::move(command), round->plan_))) return;
      why = "the node is draining";
    }
    core.env.tracer.Event(Severity::kAlarm, "AmnesiaNotRepaired", {{"error", std::move(why)}});
  });
}

absl::StatusOr<MintCommand> WriteRound::CommandFrom(const std::string& bytes) const {
  absl::StatusOr<Object> object = bytes.empty() ? Object() : Object::Decode(bytes);
  if (!object.ok()) return std::move(object).status();
  for (const Sibling& sibling : object->siblings()) {
    if (sibling.dot != minted_->dot) continue;
    return MintCommand{.key = key_,
                       .context = context_,
                       .mutation = {.tombstone = sibling.tombstone,
                                    .value = sibling.value,
                                    .expires_at_ms = sibling.expires_at_ms,
                                    .op_id = sibling.op_id,
                                    .request_hash = sibling.request_hash},
                       .deadline = deadline_,
                       .again = true};
  }
  return absl::NotFoundError("the record doesn't hold the version any more");
}

void WriteRound::Settle(size_t index, absl::Status status) {
  Node& node = nodes_[index];
  if (status.ok()) {
    node.state = State::kDurable;
    tally_.AddDurable(node.member, node.role());
    MarkSecondCopy(node);
  } else {
    node.state = State::kFailed;
    node.error = std::move(status);
    tally_.AddFailure(node.member);
    OnFailure(index);
  }
  if (!finished_) {
    Decide();
  } else if (lingering_.has_value() && !Lingers()) {
    Release();
  }
}

// P10: the late ack of an owner, beside that of its own fallback.
void WriteRound::MarkSecondCopy(const Node& settled) const {
  if (!fallbacks_.has_value() && !plan_.as_fallback) return;
  for (const Node& other : nodes_) {
    if (&other == &settled || other.target != settled.target || other.state != State::kDurable) continue;
    core_->env.tracer.Event(Severity::kDebug, "AckBesideStandIn",
                            {{"owner", uint64_t{settled.target.value()}}, {"durable", int64_t{tally_.durable()}}});
    return;
  }
}

void WriteRound::Decide() {
  if (!core_->AllWell() && tally_.verdict() == Verdict::kPending) LeaveOutOfReach(core_->env.clock.Now());
  Verdict verdict = tally_.verdict();
  if (verdict == Verdict::kPending) return;
  // Calls that end with the deadline are no failures of their replicas: the time ran out.
  if (verdict == Verdict::kImpossible && core_->env.clock.Now() >= deadline_) verdict = Verdict::kPending;
  Finish({.verdict = verdict});
}

void WriteRound::Finish(WriteEnd end) {
  finished_ = true;
  const bool met = end.verdict == Verdict::kMet && end.not_minted.ok() && !end.amnesia;
  if (met && tally_.primaries() < tally_.needed()) {
    core_->env.tracer.Event(Severity::kDebug, "AckLeansOnHint",
                            {{"primaries", int64_t{tally_.primaries()}}, {"fallbacks", int64_t{tally_.fallbacks()}}});
  }
  if (met && sloppy_ && object_ != nullptr && Lingers()) {
    lingering_.emplace(core_->lingering.Enter(object_->size()));
    if (!lingering_->admitted()) lingering_.reset();
  }
  if (!lingering_.has_value()) {
    if (timer_.has_value()) core_->env.executor.Cancel(*std::exchange(timer_, std::nullopt));
    if (!end.amnesia) object_.reset();
  }
  done_.Set(std::move(end));
}

std::string WriteRound::Describe() const {
  std::string text = absl::StrCat(tally_.durable(), " of ", tally_.needed(), " needed copies are durable (");
  const char* separator = "";
  for (const Node& node : nodes_) {
    absl::StrAppend(&text, separator, core_->NameOf(node.member));
    if (node.role() == Role::kFallback) absl::StrAppend(&text, " for ", core_->NameOf(node.target));
    absl::StrAppend(&text, ": ");
    switch (node.state) {
      case State::kWaiting:
        absl::StrAppend(&text, node.left   ? "no answer, out of reach"
                               : node.sent ? "no answer"
                                           : "held dead, not asked");
        break;
      case State::kDurable:
        absl::StrAppend(&text, "durable");
        break;
      case State::kFailed:
        absl::StrAppend(&text, node.error.ToString());
        break;
    }
    separator = "; ";
  }
  return absl::StrCat(text, ")");
}

}  // namespace henge
