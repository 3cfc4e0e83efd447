#include "tests/sim/state_workload.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/model/bucket_changes.h"

namespace henge::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kBudget = seconds(5);
// A node that missed what was decided hears of it when it looks at its peers, one after the other.
constexpr Duration kAgreementTime = seconds(600);

StateChange ChangeTo(int kind, const std::string& bucket, uint64_t number) {
  switch (kind) {
    case 0:
      return [bucket](const ClusterState& s) { return CreateBucket(s, bucket, ConflictPolicy::kSiblings, {}); };
    case 1:
      return [bucket, number](const ClusterState& s) { return SetBucket(s, bucket, {.ttl_ms = number}); };
    default:
      return [bucket](const ClusterState& s) { return DropBucket(s, bucket); };
  }
}

}  // namespace

StateWorkload::StateWorkload(StateWorkloadOptions options, uint64_t seed, Duration duration, SimScheduler& scheduler,
                             std::vector<std::unique_ptr<SimNode>>& nodes, StateWatch& watch)
    : options_(options),
      duration_(duration),
      scheduler_(scheduler),
      nodes_(nodes),
      watch_(watch),
      random_(SimRandom(seed).Split("state")) {}

void StateWorkload::Start() {
  for (int i = 0; i < options_.changes; ++i) {
    scheduler_.After(random_.Between(Duration(0), duration_), [this] { Change(); });
  }
}

void StateWorkload::Change() {
  const Kind kinds[] = {Kind::kCreate, Kind::kCreate, Kind::kSet, Kind::kDrop};
  const std::string bucket = absl::StrCat("b", random_.Below(static_cast<uint64_t>(options_.names)));
  // Now and then two operators at once.
  const uint64_t operators = random_.Chance(0.4) ? 2 : 1;
  for (uint64_t i = 0; i < operators; ++i) Propose(random_.Below(nodes_.size()), kinds[random_.Below(4)], bucket);
}

void StateWorkload::Propose(size_t node, Kind kind, const std::string& bucket) {
  if (!nodes_[node]->running()) return;
  const uint64_t number = ++proposed_;
  nodes_[node]->ChangeState(ChangeTo(static_cast<int>(kind), bucket, number), kBudget,
                            [this, kind, bucket, number](const absl::StatusOr<StateVersion>& version) {
                              OnDone(kind, bucket, number, version);
                            });
}

void StateWorkload::OnDone(Kind kind, const std::string& bucket, uint64_t number,
                           const absl::StatusOr<StateVersion>& version) {
  const bool last = to_change_.erase(bucket) > 0;
  if (!version.ok()) {
    // Made by an attempt whose process ended before it could say so.
    const bool made = absl::IsAlreadyExists(version.status());
    if (last && !made) violations_.push_back({"I17", "no change of the cluster state: " + version.status().ToString()});
    return;
  }
  ++changed_;
  watch_.OnChanged(*version, absl::StrCat("change ", number, " of bucket ", bucket));
  const RingPtr ring = watch_.At(*version);
  const Bucket* there = ring == nullptr ? nullptr : ring->state().FindBucket(bucket);
  const bool shown = ring != nullptr && (kind == Kind::kDrop  ? there == nullptr
                                         : kind == Kind::kSet ? there != nullptr && there->ttl_ms == number
                                                              : there != nullptr);
  if (!shown) {
    violations_.push_back({"P31", absl::StrCat("change ", number, " of bucket ", bucket, " is not in version ",
                                               version->value(), ", which was acknowledged for it")});
  }
}

bool StateWorkload::AwaitAgreement() {
  const auto agree = [this] {
    if (!watch_.Agree(static_cast<int>(nodes_.size())) || watch_.newest() < StateVersion(2)) return false;
    const RingPtr ring = watch_.At(watch_.newest());
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (ring->state().members[i].store != nodes_[i]->store_id()) return false;
    }
    return true;
  };
  return scheduler_.RunUntilTrue(agree, scheduler_.now() + kAgreementTime);
}

void StateWorkload::Finish(Violations* violations) {
  if (!AwaitAgreement()) {
    violations_.push_back({"I17", "the nodes don't come to one cluster state that binds each to its store"});
  } else {
    for (int i = 0; i < 2; ++i) to_change_.insert("last-" + std::to_string(random_.Below(nodes_.size())));
    // A planted sync failure may still come, and end a process with what it was asked.
    for (int attempt = 0; attempt < 3 && !to_change_.empty(); ++attempt) {
      for (size_t i = 0; i < nodes_.size(); ++i) {
        const std::string bucket = "last-" + std::to_string(i);
        if (to_change_.contains(bucket)) Propose(i, Kind::kCreate, bucket);
      }
      scheduler_.RunUntilTrue([this] { return to_change_.empty(); }, scheduler_.now() + seconds(20));
    }
    if (!to_change_.empty()) violations_.push_back({"I17", "a change of the cluster state does not end"});
    if (!AwaitAgreement()) violations_.push_back({"I17", "the nodes don't agree on the last changes"});
  }
  for (const Violation& v : violations_) violations->push_back(v);
  for (const Violation& v : watch_.violations()) violations->push_back(v);
}

}  // namespace henge::sim
