// Clearing: when all owners hold the same in a marked segment, nobody misses what was given up there (P18).
#include <algorithm>
#include <utility>

#include "core/runtime/timer_await.h"
#include "node/hints/hint_marks.h"
#include "node/hints/leaf_message.h"

namespace henge {
namespace {

// What asking about a leaf costs on the wire, about.
constexpr uint64_t kLeafBytes = 9;
constexpr uint64_t kAskBytes = 64;

// Of `segments` those of which all told the same hash; each told one for every segment, in order.
SegmentSet EqualIn(const std::vector<std::vector<uint64_t>>& told, SegmentSet segments) {
  SegmentSet equal;
  size_t i = 0;
  for (size_t segment = 0; segment < segments.size(); ++segment) {
    if (!segments[segment]) continue;
    equal[segment] = std::all_of(told.begin(), told.end(), [&](const auto& one) { return one[i] == told[0][i]; });
    ++i;
  }
  return equal;
}

}  // namespace

void HintMarks::UpdateLiveness(LivenessPtr liveness) {
  const LivenessPtr before = std::exchange(liveness_, std::move(liveness));
  if (shelf_.marks().empty() || before == nullptr) return;
  const bool came = std::any_of(liveness_->entries().begin(), liveness_->entries().end(), [&before](const auto& entry) {
    return entry.liveness == Liveness::kAlive && before->Of(entry.member) != Liveness::kAlive;
  });
  if (!came) return;
  clear_backoff_ = options_.backoff_min;
  ArmClearing(env_.clock.Now() + clear_backoff_);
}

void HintMarks::ArmClearing(MonotonicTime when) {
  if (stopped_ || clearing_ || (timer_.has_value() && timer_at_ <= when)) return;
  if (timer_.has_value()) env_.executor.Cancel(*timer_);
  timer_at_ = when;
  timer_ = env_.executor.RunAt(when, [this] { BeginClearing(); });
}

void HintMarks::BeginClearing() {
  timer_.reset();
  if (stopped_ || clearing_) return;
  clearing_ = true;
  tasks_.Spawn(Clearing());
}

Task<void> HintMarks::Clearing() {
  std::vector<PartitionId> partitions;
  for (const auto& [partition, marks] : shelf_.marks()) partitions.push_back(partition);
  bool cleared = false;
  for (PartitionId partition : partitions) {
    if (stopped_) break;
    const bool one = co_await ClearOne(partition);
    cleared = cleared || one;
  }
  clearing_ = false;
  if (shelf_.marks().empty()) {
    clear_backoff_ = options_.backoff_min;
    env_.tracer.Event(Severity::kInfo, "MarksCleared", {{"cleared", cleared_}});
    co_return;
  }
  clear_backoff_ = cleared ? options_.backoff_min : std::min(clear_backoff_ * 2, options_.backoff_max);
  ArmClearing(env_.clock.Now() + clear_backoff_);
}

Task<bool> HintMarks::ClearOne(PartitionId partition) {
  const auto marked = shelf_.marks().find(partition);
  if (marked == shelf_.marks().end()) co_return false;
  const SegmentSet segments = marked->second.segments;
  const size_t owners = ring_->Owners(partition).size();
  const Duration wait = budget_.Take(owners * (kAskBytes + kLeafBytes * segments.count()), env_.clock.Now());
  if (wait > Duration{0}) co_await SleepUntil(env_.executor, env_.clock.Now() + wait);
  shelf_.BeginExchange(partition);
  const SegmentSet equal = co_await EqualSegments(partition, segments);
  if (equal.none()) {
    shelf_.BeginExchange(PartitionId());
    co_return false;
  }
  Completion<bool> gone;
  shelf_.EndExchange(equal, [gone](absl::StatusOr<bool> done) mutable { gone.Set(done.ok() && *done); });
  const size_t before = segments.count();
  const bool went = co_await gone;
  const auto left = shelf_.marks().find(partition);
  const size_t after = left == shelf_.marks().end() ? 0 : left->second.segments.count();
  if (went) cleared_ += before - std::min(before, after);
  co_return went;
}

Task<SegmentSet> HintMarks::EqualSegments(PartitionId partition, SegmentSet segments) {
  const RingPtr ring = ring_;
  LeafAsk ask{.parameters = {}, .partition = partition, .segments = segments};
  ask.parameters.cluster = ring->cluster();
  ask.parameters.epoch = ring->Epoch(partition);
  const std::span<const MemberId> owners = ring->Owners(partition);
  std::vector<std::vector<uint64_t>> told;
  for (MemberId owner : owners) {
    if (owner == options_.self) {
      told.push_back(HashesOf(engine_.ReadTree(partition), segments));
      continue;
    }
    if (!IsAlive(owner)) co_return SegmentSet();
    std::optional<std::vector<uint64_t>> hashes = co_await AskLeaves(owner, ask.Encode());
    if (!hashes.has_value() || hashes->size() != segments.count()) co_return SegmentSet();
    told.push_back(*std::move(hashes));
  }
  // Other owners by now: what these said proves nothing of them.
  if (told.empty() || ring_->Epoch(partition) != ask.parameters.epoch) co_return SegmentSet();
  co_return EqualIn(told, segments);
}

Task<std::optional<std::vector<uint64_t>>> HintMarks::AskLeaves(MemberId owner, std::string ask) {
  Completion<absl::StatusOr<PeerReply>> answer;
  env_.transport.Call(owner, ControlRequest{ControlKind::kLeaves, std::move(ask)},
                      env_.clock.Now() + options_.call_timeout,
                      [answer](absl::StatusOr<PeerReply> reply) mutable { answer.Set(std::move(reply)); });
  absl::StatusOr<PeerReply> reply = co_await answer;
  const auto* control = reply.ok() ? std::get_if<ControlReply>(&*reply) : nullptr;
  if (control == nullptr) co_return std::nullopt;
  absl::StatusOr<LeafAnswer> leaves = LeafAnswer::Decode(control->body);
  if (!leaves.ok()) co_return std::nullopt;
  co_return std::move(leaves->hashes);
}

}  // namespace henge
