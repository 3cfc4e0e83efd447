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

Duration ReplicaHealth::DelayOf(const Track& track) const {
  return std::max(options_.hedge_delay_min, track.latency.P95().value_or(options_.hedge_delay_initial));
}

Duration ReplicaHealth::HedgeDelay(MemberId member, Attempt kind) const {
  const Entry* entry = Find(member);
  return entry == nullptr ? options_.hedge_delay_initial : DelayOf(entry->Of(kind));
}

void ReplicaHealth::Recount(Entry* entry) {
  const bool avoided = entry->disqualified || entry->reads.strikes > 0 || entry->writes.strikes > 0;
  avoided_ += static_cast<int>(avoided) - static_cast<int>(std::exchange(entry->avoided, avoided));
}

bool ReplicaHealth::OnAnswer(MemberId member, Duration latency, Attempt kind) {
  Entry& entry = entries_[member];
  Track& track = entry.Of(kind);
  // Judged by what was known before this answer.
  const Duration patience = DelayOf(track);
  track.latency.Add(latency);
  if (!entry.avoided) return false;
  if (latency > (entry.disqualified ? std::max(patience, options_.hedge_delay_initial) : patience)) return false;
  track.strikes = 0;
  const bool qualified = entry.disqualified && kind == Attempt::kRead;
  if (qualified) {
    entry.disqualified = false;
    entry.writes.strikes = 0;
  }
  Recount(&entry);
  return qualified;
}

void ReplicaHealth::OnHeard(MemberId member, MonotonicTime now) {
  auto it = entries_.find(member);
  if (it == entries_.end()) return;
  it->second.heard_at = now;
  it->second.unanswered = false;
}

bool ReplicaHealth::IsFresh(const Entry& entry, MonotonicTime at) const {
  return entry.unanswered && at - entry.unanswered_at <= 2 * options_.probe_interval + DelayOf(entry.reads);
}

void ReplicaHealth::NoteUnanswered(MonotonicTime sent_at, MonotonicTime now, Entry* entry) {
  if (sent_at < entry->heard_at) return;
  // While nobody asked, it could not answer.
  entry->unanswered_since = IsFresh(*entry, sent_at) ? std::min(entry->unanswered_since, sent_at) : sent_at;
  entry->unanswered_at = now;
  entry->unanswered = true;
}

bool ReplicaHealth::Silent(MemberId member, MonotonicTime now) const {
  if (avoided_ == 0) return false;
  const Entry* entry = Find(member);
  if (entry == nullptr || !entry->disqualified || !IsFresh(*entry, now)) return false;
  return now - entry->unanswered_since >= std::max<Duration>(options_.silence_min, 2 * DelayOf(entry->reads));
}

bool ReplicaHealth::OnStrike(MemberId member, MonotonicTime sent_at, MonotonicTime now, Attempt kind) {
  Entry& entry = entries_[member];
  Track& track = entry.Of(kind);
  NoteUnanswered(sent_at, now, &entry);
  if (entry.disqualified || (track.strikes > 0 && sent_at < track.struck_at)) return false;
  track.struck_at = now;
  ++track.strikes;
  // What is under way may yet be answered.
  entry.probe_at = now + DelayOf(entry.reads);
  if (track.strikes >= options_.strikes_to_disqualify) {
    entry.disqualified = true;
    entry.probe_at = now + options_.probe_interval;
  }
  Recount(&entry);
  return entry.disqualified;
}

void ReplicaHealth::OnVerdict(MemberId member, bool disqualified, MonotonicTime now) {
  Entry& entry = entries_[member];
  if (entry.disqualified == disqualified) return;
  entry.disqualified = disqualified;
  entry.probe_at = now + options_.probe_interval;
  if (!disqualified) {
    entry.reads.strikes = entry.writes.strikes = 0;
    OnHeard(member, now);
  }
  Recount(&entry);
}

bool ReplicaHealth::Disqualified(MemberId member) const {
  if (avoided_ == 0) return false;
  const Entry* entry = Find(member);
  return entry != nullptr && entry->disqualified;
}

bool ReplicaHealth::Avoided(MemberId member) const {
  if (avoided_ == 0) return false;
  const Entry* entry = Find(member);
  return entry != nullptr && entry->avoided;
}

bool ReplicaHealth::TakeProbe(MemberId member, MonotonicTime now) {
  auto it = entries_.find(member);
  if (it == entries_.end() || !it->second.avoided || now < it->second.probe_at) return false;
  Entry& entry = it->second;
  // While the verdict is open the next probe waits for the end of this one.
  entry.probe_at = now + (entry.disqualified ? options_.probe_interval : DelayOf(entry.reads));
  return true;
}

int ReplicaHealth::Rank(MemberId member) const {
  constexpr int kAfterAllLatencies = 64;
  constexpr int kLast = 128;
  const Entry* entry = Find(member);
  if (entry == nullptr) return 0;
  const int64_t micros = std::chrono::duration_cast<std::chrono::microseconds>(entry->reads.latency.Smoothed()).count();
  const int held_back = entry->disqualified ? kLast : entry->avoided ? kAfterAllLatencies : 0;
  return std::bit_width(static_cast<uint64_t>(micros)) + held_back;
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
