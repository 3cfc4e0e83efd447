#include "coordinator/write_round.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/mutation_operation.h"
#include "core/model/object.h"

namespace henge {
namespace {

absl::StatusOr<MergeReply> AsMergeReply(absl::StatusOr<PeerReply> reply) {
  if (!reply.ok()) return std::move(reply).status();
  if (auto* merge = std::get_if<MergeReply>(&*reply)) return *merge;
  return absl::InternalError("the peer answered a merge with another kind of reply");
}

}  // namespace

WriteRound::WriteRound(CorePtr core, RecordKey key, int needed, MonotonicTime deadline)
    : core_(std::move(core)),
      key_(std::move(key)),
      deadline_(deadline),
      sent_at_(core_->env.clock.Now()),
      epoch_(core_->ring->Epoch(key_.partition)),
      tally_(needed, static_cast<int>(core_->ring->Owners(key_.partition).size())) {}

std::shared_ptr<WriteRound> WriteRound::Mint(CorePtr core, MintCommand command, int needed) {
  LocalReplica& local = core->local;
  auto round = std::make_shared<WriteRound>(std::move(core), command.key, needed, command.deadline);
  round->context_ = command.context;
  round->ArmTimer();
  local.Mint(
      std::move(command), [round](absl::StatusOr<MintResult> result) { round->OnMinted(std::move(result)); },
      [round](absl::Status status) {
        // This node stands first in nodes_.
        if (!round->core_->stopped()) round->Settle(0, std::move(status));
      });
  return round;
}

std::shared_ptr<WriteRound> WriteRound::Replicate(CorePtr core, RecordKey key,
                                                  std::shared_ptr<const std::string> object,
                                                  std::span<const MemberId> holders, int needed,
                                                  MonotonicTime deadline) {
  auto round = std::make_shared<WriteRound>(std::move(core), std::move(key), needed, deadline);
  round->ArmTimer();
  round->AddOwners();
  for (size_t i = 0; i < round->nodes_.size(); ++i) {
    if (std::find(holders.begin(), holders.end(), round->nodes_[i].member) != holders.end()) {
      round->Settle(i, absl::OkStatus());
    } else {
      round->Send(i, *object, std::nullopt);
    }
  }
  return round;
}

void WriteRound::ArmTimer() {
  timer_ = core_->env.executor.RunAt(deadline_, [round = shared_from_this()] { round->OnTimer(); });
}

void WriteRound::OnTimer() {
  timer_.reset();
  if (finished_ || core_->stopped()) return;
  WriteEnd end;
  // A mint that comes after the deadline refuses by itself, so what is not minted by now never will be.
  if (!sending_) end.not_minted = absl::DeadlineExceededError("the local record was not read in time");
  Finish(std::move(end));
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
  AddOwners();
  // A version that was found may be of any actor: there is no counter to hold against it.
  const std::optional<Actor> minter = minted_->found ? std::nullopt : std::optional<Actor>(minted_->dot.actor);
  for (size_t i = 1; i < nodes_.size(); ++i) Send(i, *object_, minter);
}

void WriteRound::AddOwners() {
  sending_ = true;
  nodes_.push_back({.member = core_->options.self});
  for (MemberId owner : core_->ring->Owners(key_.partition)) {
    if (owner != core_->options.self) nodes_.push_back({.member = owner});
  }
}

void WriteRound::Send(size_t index, const std::string& object, const std::optional<Actor>& minter) {
  MergeRequest request{.key = key_, .epoch = epoch_, .object = object, .minter = minter};
  sent_at_ = core_->env.clock.Now();
  if (index == 0) {
    core_->local.Merge(std::move(request), [round = shared_from_this()](absl::StatusOr<MergeReply> reply) {
      if (!round->core_->stopped()) round->Settle(0, reply.status());
    });
    return;
  }
  core_->env.transport.Call(
      nodes_[index].member, std::move(request), deadline_,
      [round = shared_from_this(), index](absl::StatusOr<PeerReply> reply) { round->OnPeer(index, std::move(reply)); });
}

void WriteRound::OnPeer(size_t index, absl::StatusOr<PeerReply> peer_reply) {
  if (core_->stopped()) return;
  absl::StatusOr<MergeReply> reply = AsMergeReply(std::move(peer_reply));
  const MemberId member = nodes_[index].member;
  if (!reply.ok()) {
    // A client's short deadline says nothing about the replica.
    const bool waited =
        core_->env.clock.Now() - sent_at_ >= 2 * core_->health.HedgeDelay(member) + core_->options.hedge_delay_initial;
    if (absl::IsUnavailable(reply.status()) || (absl::IsDeadlineExceeded(reply.status()) && waited)) {
      core_->OnStrike(member, sent_at_);
    }
    Settle(index, std::move(reply).status());
    return;
  }
  const bool belt = minted_.has_value() && !minted_->found;
  if (belt && reply->minter_counter > minted_->dot.counter) {
    CheckBelt(index, reply->minter_counter);
    return;
  }
  if (belt && reply->minter_counter < minted_->dot.counter) {
    Settle(index, absl::InternalError("the replica acked a version that it doesn't cover"));
    return;
  }
  Settle(index, absl::OkStatus());
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
  MintAgainLate();
}

// The client has its answer already; the copies that it was told of are about to be covered.
void WriteRound::MintAgainLate() {
  core_->local.Read(key_, [round = shared_from_this()](absl::StatusOr<ReadReply> record) {
    CoordinatorCore& core = *round->core_;
    if (core.stopped()) return;
    absl::StatusOr<MintCommand> command = record.ok() ? round->CommandFrom(record->object) : record.status();
    // What a later write has replaced needs no new version.
    if (absl::IsNotFound(command.status())) return;
    std::string why = command.status().ToString();
    if (command.ok()) {
      command->deadline = core.env.clock.Now() + core.options.budget_default;
      if (core.scope->Spawn(MintAgain(round->core_, *std::move(command), round->tally_.needed()))) return;
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
    tally_.AddDurable(node.member, WriteTally::Role::kOwner);
  } else {
    node.state = State::kFailed;
    node.error = std::move(status);
    tally_.AddFailure(node.member);
  }
  if (!finished_) Decide();
}

void WriteRound::Decide() {
  Verdict verdict = tally_.verdict();
  if (verdict == Verdict::kPending) return;
  // Calls that end with the deadline are no failures of their replicas: the time ran out.
  if (verdict == Verdict::kImpossible && core_->env.clock.Now() >= deadline_) verdict = Verdict::kPending;
  Finish({.verdict = verdict});
}

void WriteRound::Finish(WriteEnd end) {
  finished_ = true;
  if (timer_.has_value()) core_->env.executor.Cancel(*std::exchange(timer_, std::nullopt));
  if (!end.amnesia) object_.reset();
  done_.Set(std::move(end));
}

std::string WriteRound::Describe() const {
  std::string text = absl::StrCat(tally_.durable(), " of ", tally_.needed(), " needed copies are durable (");
  const char* separator = "";
  for (const Node& node : nodes_) {
    absl::StrAppend(&text, separator, core_->NameOf(node.member), ": ");
    switch (node.state) {
      case State::kWaiting:
        absl::StrAppend(&text, "no answer");
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
