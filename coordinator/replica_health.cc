#include "coordinator/replica_health.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "absl/container/inlined_vector.h"

namespace henge {

const ReplicaHealth::Entry* ReplicaHealth::Find(MemberId member) const {
  auto it = entries_.find(member);
  return it == entries_.end() ? nullptr : &it->second;
}

Duration ReplicaHealth::HedgeDelay(MemberId member) const {
  const Entry* entry = Find(member);
  if (entry == nullptr) return options_.hedge_delay_initial;
  return std::max(options_.hedge_delay_min, entry->latency.P95().value_or(options_.hedge_delay_initial));
}

bool ReplicaHealth::OnAnswer(MemberId member, Duration latency) {
  // Judged by what was known before this answer.
  const Duration patience = HedgeDelay(member);
  Entry& entry = entries_[member];
  entry.latency.Add(latency);
  if (latency > (entry.disqualified ? std::max(patience, options_.hedge_delay_initial) : patience)) return false;
  entry.strikes = 0;
  if (!entry.disqualified) return false;
  entry.disqualified = false;
  --disqualified_;
  return true;
}

bool ReplicaHealth::OnStrike(MemberId member, MonotonicTime sent_at, MonotonicTime now) {
  Entry& entry = entries_[member];
  if (entry.disqualified || (entry.strikes > 0 && sent_at < entry.struck_at)) return false;
  entry.struck_at = now;
  if (++entry.strikes < options_.strikes_to_disqualify) return false;
  entry.disqualified = true;
  entry.probe_at = now + options_.probe_interval;
  ++disqualified_;
  return true;
}

bool ReplicaHealth::Disqualified(MemberId member) const {
  if (disqualified_ == 0) return false;
  const Entry* entry = Find(member);
  return entry != nullptr && entry->disqualified;
}

bool ReplicaHealth::TakeProbe(MemberId member, MonotonicTime now) {
  auto it = entries_.find(member);
  if (it == entries_.end() || !it->second.disqualified || now < it->second.probe_at) return false;
  it->second.probe_at = now + options_.probe_interval;
  return true;
}

int ReplicaHealth::Rank(MemberId member) const {
  constexpr int kAfterAllLatencies = 64;
  const Entry* entry = Find(member);
  if (entry == nullptr) return 0;
  const int64_t micros = std::chrono::duration_cast<std::chrono::microseconds>(entry->latency.Smoothed()).count();
  return std::bit_width(static_cast<uint64_t>(micros)) + (entry->disqualified ? kAfterAllLatencies : 0);
}

void ReplicaHealth::OrderByPreference(std::span<MemberId> members, uint32_t rotation) const {
  if (members.size() < 2) return;
  std::rotate(members.begin(), members.begin() + rotation % members.size(), members.end());
  absl::InlinedVector<std::pair<int, MemberId>, 8> ranked;
  for (MemberId member : members) ranked.emplace_back(Rank(member), member);
  std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::transform(ranked.begin(), ranked.end(), members.begin(), [](const auto& r) { return r.second; });
}

}  // namespace henge
