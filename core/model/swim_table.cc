#include "core/model/swim_table.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace henge {
namespace {

// With a fan-out of f, news that go on this many times the logarithm of the members reach all but surely.
constexpr int kTransmitsPerBit = 2;

}  // namespace

SwimTable::SwimTable(MemberId self, std::string address, SuspicionSettings suspicion)
    : self_(self), suspicion_(suspicion) {
  Entry& own = entries_[self_];
  own.incarnation = kIncarnationFirst;
  own.address = std::move(address);
  own.transmits = 0;
}

void SwimTable::SetMembers(std::span<const MemberId> members) {
  std::erase_if(entries_, [&](const auto& item) {
    return item.first != self_ && std::find(members.begin(), members.end(), item.first) == members.end();
  });
  for (MemberId member : members) entries_.try_emplace(member);
}

const SwimTable::Entry* SwimTable::Find(MemberId member) const {
  auto at = entries_.find(member);
  return at == entries_.end() ? nullptr : &at->second;
}

SwimTable::Verdict SwimTable::Apply(MonotonicTime now, MemberId from, const SwimUpdate& update, bool hearsay) {
  auto at = entries_.find(update.member);
  // A member of a later cluster state: its news come again once that state is here.
  if (at == entries_.end()) return Verdict::kOld;
  if (update.incarnation >= kIncarnationMax) return Verdict::kForged;
  if (update.member == self_) return ApplyOwn(update);
  Entry& entry = at->second;
  const bool its_own_word = from == update.member && update.liveness == Liveness::kAlive;
  // The member's own word may say more; it corrects what is wrong, and comes soon.
  const uint64_t known = std::max(entry.incarnation, kIncarnationFirst);
  if (!its_own_word && update.incarnation > known + kIncarnationJumpMax) return Verdict::kForged;
  if (its_own_word && !CanBeExceeded(entry.incarnation) && update.incarnation < entry.incarnation) {
    return BeginAgain(update, entry);
  }
  switch (update.liveness) {
    case Liveness::kAlive:
      return ApplyAlive(update, entry);
    case Liveness::kSuspect:
      return ApplySuspect(now, update, entry);
    case Liveness::kDead:
      break;
  }
  if (update.incarnation < entry.incarnation || entry.liveness == Liveness::kDead) {
    // A dead entry still learns the incarnation that the member has to exceed.
    if (update.incarnation <= entry.incarnation) return Verdict::kOld;
    entry.incarnation = update.incarnation;
    return Verdict::kOld;
  }
  if (hearsay) {
    SwimUpdate suspicion = update;
    suspicion.liveness = Liveness::kSuspect;
    suspicion.accuser = from;
    return ApplySuspect(now, suspicion, entry);
  }
  entry.liveness = Liveness::kDead;
  entry.incarnation = update.incarnation;
  entry.accusers.clear();
  entry.transmits = 0;
  return Verdict::kChanged;
}

SwimTable::Verdict SwimTable::ApplyOwn(const SwimUpdate& update) {
  Entry& own = entries_[self_];
  const bool as_i_am = update.liveness == Liveness::kAlive && update.address == own.address;
  if (update.incarnation < own.incarnation || (update.incarnation == own.incarnation && as_i_am)) return Verdict::kOld;
  if (!CanBeExceeded(update.incarnation)) {
    if (!CanBeExceeded(own.incarnation)) own.incarnation = kIncarnationFirst;
    own.transmits = 0;
    return Verdict::kForged;
  }
  const bool far = update.incarnation > own.incarnation + kIncarnationJumpMax;
  own.incarnation = update.incarnation + 1;
  own.transmits = 0;
  return far ? Verdict::kForged : Verdict::kRefuted;
}

SwimTable::Verdict SwimTable::BeginAgain(const SwimUpdate& update, Entry& entry) {
  entry.incarnation = 0;
  ApplyAlive(update, entry);
  entry.transmits = 0;
  return Verdict::kChanged;
}

SwimTable::Verdict SwimTable::ApplyAlive(const SwimUpdate& update, Entry& entry) {
  if (update.incarnation <= entry.incarnation) return Verdict::kOld;
  const bool known = entry.incarnation > 0;
  const bool same = entry.liveness == Liveness::kAlive && entry.address == update.address;
  entry.incarnation = update.incarnation;
  entry.liveness = Liveness::kAlive;
  entry.address = update.address;
  entry.accusers.clear();
  // The first word of a member that nobody doubted is no news, or a start of n nodes would be n^2 of them: who has not
  // been heard of counts as alive anyway.
  if (known) entry.transmits = 0;
  return same && known ? Verdict::kOld : Verdict::kChanged;
}

SwimTable::Verdict SwimTable::Suspect(MonotonicTime now, MemberId member) {
  auto at = entries_.find(member);
  if (at == entries_.end() || member == self_) return Verdict::kOld;
  const SwimUpdate update{.member = member,
                          .liveness = Liveness::kSuspect,
                          // Who has not been heard of has the lowest incarnation, as far as the others care.
                          .incarnation = std::max(kIncarnationFirst, at->second.incarnation),
                          .accuser = self_,
                          .address = {}};
  return ApplySuspect(now, update, at->second);
}

SwimTable::Verdict SwimTable::ApplySuspect(MonotonicTime now, const SwimUpdate& update, Entry& entry) {
  if (update.incarnation < entry.incarnation) return Verdict::kOld;
  if (entry.liveness == Liveness::kDead) {
    entry.incarnation = update.incarnation;
    return Verdict::kOld;
  }
  if (entry.liveness == Liveness::kAlive || update.incarnation > entry.incarnation) {
    entry.liveness = Liveness::kSuspect;
    entry.incarnation = update.incarnation;
    entry.suspect_since = now;
    entry.accusers.assign(1, update.accuser);
    SetSuspicionEnd(entry);
    entry.transmits = 0;
    return Verdict::kChanged;
  }
  const bool enough = static_cast<int>(entry.accusers.size()) > ConfirmationsNeeded();
  const bool known = std::find(entry.accusers.begin(), entry.accusers.end(), update.accuser) != entry.accusers.end();
  if (enough || known) return Verdict::kOld;
  entry.accusers.push_back(update.accuser);
  SetSuspicionEnd(entry);
  entry.transmits = 0;
  return Verdict::kOld;
}

int SwimTable::ConfirmationsNeeded() const {
  // Neither this node nor the suspect can confirm.
  const int others = static_cast<int>(entries_.size()) - 2;
  return std::max(0, std::min(suspicion_.confirmations, others - 1));
}

void SwimTable::SetSuspicionEnd(Entry& entry) const {
  const int needed = ConfirmationsNeeded();
  const int confirmed = static_cast<int>(entry.accusers.size()) - 1;
  double part = 1.0;
  if (needed > 0) part = std::min(1.0, std::log(confirmed + 1.0) / std::log(needed + 1.0));
  const auto shortened = std::chrono::duration_cast<Duration>((suspicion_.max - suspicion_.min) * part);
  entry.suspect_until = entry.suspect_since + suspicion_.max - shortened;
}

std::vector<MemberId> SwimTable::Expire(MonotonicTime now) {
  std::vector<MemberId> dead;
  for (auto& [member, entry] : entries_) {
    if (entry.liveness != Liveness::kSuspect || entry.suspect_until > now) continue;
    entry.liveness = Liveness::kDead;
    entry.accusers.clear();
    entry.transmits = 0;
    dead.push_back(member);
  }
  return dead;
}

MonotonicTime SwimTable::NextExpiry() const {
  MonotonicTime next = MonotonicTime::max();
  for (const auto& [member, entry] : entries_) {
    if (entry.liveness == Liveness::kSuspect) next = std::min(next, entry.suspect_until);
  }
  return next;
}

SwimUpdate SwimTable::UpdateOf(MemberId member) const {
  const Entry& entry = entries_.at(member);
  SwimUpdate update{
      .member = member, .liveness = entry.liveness, .incarnation = entry.incarnation, .accuser = {}, .address = {}};
  if (entry.liveness == Liveness::kAlive) update.address = entry.address;
  if (entry.liveness == Liveness::kSuspect) update.accuser = entry.accusers.back();
  return update;
}

int SwimTable::TransmitsMax() const { return kTransmitsPerBit * static_cast<int>(std::bit_width(entries_.size())); }

bool SwimTable::HasNews() const {
  const int max = TransmitsMax();
  return std::any_of(entries_.begin(), entries_.end(), [max](const auto& item) { return item.second.transmits < max; });
}

void SwimTable::TakeNews(size_t count, MemberId except, std::vector<SwimUpdate>* out) {
  const int max = TransmitsMax();
  std::vector<std::pair<int, MemberId>> news;
  for (const auto& [member, entry] : entries_) {
    if (entry.transmits < max && member != except) news.emplace_back(entry.transmits, member);
  }
  std::sort(news.begin(), news.end());
  if (news.size() > count) news.resize(count);
  for (const auto& [transmits, member] : news) {
    ++entries_[member].transmits;
    // This node's own entry leads every message anyway.
    if (member != self_) out->push_back(UpdateOf(member));
  }
}

std::vector<SwimUpdate> SwimTable::All() const {
  std::vector<SwimUpdate> all;
  all.reserve(entries_.size());
  all.push_back(Own());
  for (const auto& [member, entry] : entries_) {
    if (member != self_ && entry.incarnation > 0) all.push_back(UpdateOf(member));
  }
  return all;
}

LivenessPtr SwimTable::Snapshot() const {
  std::vector<LivenessSnapshot::Entry> entries;
  entries.reserve(entries_.size());
  for (const auto& [member, entry] : entries_) entries.push_back({member, entry.liveness, entry.incarnation});
  return std::make_shared<const LivenessSnapshot>(std::move(entries));
}

}  // namespace henge
