#include "core/model/swim.h"

#include <algorithm>
#include <utility>

namespace henge {
namespace {

SuspicionSettings SuspicionOf(const SwimSettings& settings) {
  SuspicionSettings suspicion = settings.suspicion;
  if (!settings.lifeguard) {
    suspicion.confirmations = 0;
    suspicion.max = suspicion.min;
  }
  return suspicion;
}

}  // namespace

Swim::Swim(SwimSettings settings, MemberId self, std::string address, uint64_t seed, MonotonicTime now)
    : settings_(settings), self_(self), random_(seed), table_(self, std::move(address), SuspicionOf(settings)) {
  // A cluster whose nodes start together doesn't probe in step.
  next_probe_ = now + Jittered(settings_.probe_interval) - settings_.probe_interval / 2;
  next_gossip_ = now + settings_.gossip_interval;
  // Whoever starts asks for everything soon: what the others hold of it, it may have to refute.
  next_push_pull_ = now + settings_.gossip_interval;
  next_reconnect_ = now + settings_.probe_interval;
}

void Swim::SetMembers(std::span<const MemberId> members) {
  table_.SetMembers(members);
  std::erase_if(round_, [this](MemberId member) { return table_.Find(member) == nullptr; });
}

// ---- Time

MonotonicTime Swim::NextWake() const {
  MonotonicTime next = std::min({next_probe_, next_push_pull_, next_reconnect_, table_.NextExpiry()});
  if (table_.HasNews()) next = std::min(next, next_gossip_);
  if (!probe_.has_value()) return next;
  return std::min(next, probe_->indirect || probe_->answered ? probe_->until : probe_->direct_until);
}

void Swim::Tick(MonotonicTime now, SwimOutput* out) {
  if (probe_.has_value() && now >= probe_->until) EndProbe(now, out);
  if (probe_.has_value() && !probe_->indirect && !probe_->answered && now >= probe_->direct_until) {
    AskHelpers(now, out);
  }
  for (MemberId member : table_.Expire(now)) {
    out->events.push_back({SwimEventKind::kDead, member, table_.Find(member)->incarnation});
  }
  if (now >= next_probe_) {
    if (probe_.has_value()) EndProbe(now, out);
    StartProbe(now, out);
    next_probe_ = now + Scaled(settings_.probe_interval);
  }
  if (now >= next_reconnect_) Reconnect(now, out);
  if (now >= next_push_pull_) {
    const std::vector<MemberId> with = Pick(1, Liveness::kSuspect, self_);
    if (!with.empty()) PushPull(with[0], out);
    // All that is known is as long as the members are many: seldom enough that it costs the same.
    const int64_t times = std::max<int64_t>(1, static_cast<int64_t>(table_.entries().size()) / 16);
    next_push_pull_ = now + Jittered(settings_.push_pull_interval * times);
  }
  if (now >= next_gossip_ && table_.HasNews()) {
    Gossip(out);
    next_gossip_ = now + settings_.gossip_interval;
  }
}

std::optional<MemberId> Swim::NextTarget() {
  for (int round = 0; round < 2; ++round) {
    while (!round_.empty()) {
      const MemberId target = round_.back();
      round_.pop_back();
      const SwimTable::Entry* entry = table_.Find(target);
      if (entry != nullptr && entry->liveness != Liveness::kDead) return target;
    }
    for (const auto& [member, entry] : table_.entries()) {
      if (member != self_) round_.push_back(member);
    }
    Shuffle(round_);
  }
  return std::nullopt;
}

void Swim::StartProbe(MonotonicTime now, SwimOutput* out) {
  const std::optional<MemberId> target = NextTarget();
  if (!target.has_value()) return;
  ++figures_.probes;
  const Duration length = Scaled(settings_.probe_interval);
  probe_ = Probe{.number = ++probe_number_,
                 .target = *target,
                 .direct_until = now + Scaled(settings_.probe_timeout),
                 .until = now + length};
  // A late answer is an answer too: the call may take the whole probe.
  Send({.purpose = Purpose::kProbe, .to = *target, .probe = probe_->number}, SwimKind::kPing, MemberId(), length, out);
}

void Swim::AskHelpers(MonotonicTime now, SwimOutput* out) {
  probe_->indirect = true;
  const std::vector<MemberId> helpers =
      Pick(static_cast<size_t>(settings_.indirect_probes), Liveness::kAlive, probe_->target);
  probe_->helpers = static_cast<int>(helpers.size());
  for (MemberId helper : helpers) {
    Send({.purpose = Purpose::kHelp, .to = helper, .probe = probe_->number}, SwimKind::kPingReq, probe_->target,
         probe_->until - now, out);
  }
}

void Swim::EndProbe(MonotonicTime now, SwimOutput* out) {
  const Probe probe = *probe_;
  probe_.reset();
  if (probe.answered) return AddHealth(-1);
  ++figures_.probes_failed;
  // Helpers that failed to say anything tell of this node's health; those that said "no answer" of the target's.
  AddHealth(probe.helpers > 0 ? probe.helpers - probe.helpers_heard : 1);
  Report(table_.Suspect(now, probe.target), {.member = probe.target}, out);
}

void Swim::Gossip(SwimOutput* out) {
  for (MemberId to : Pick(static_cast<size_t>(settings_.gossip_fanout), Liveness::kSuspect, self_)) {
    Send({.purpose = Purpose::kGossip, .to = to}, SwimKind::kGossip, MemberId(), settings_.probe_interval, out);
  }
}

void Swim::PushPull(MemberId with, SwimOutput* out) {
  Send({.purpose = Purpose::kPushPull, .to = with}, SwimKind::kPushPull, MemberId(), 4 * settings_.probe_interval, out);
}

void Swim::Reconnect(MonotonicTime now, SwimOutput* out) {
  std::vector<MemberId> dead;
  for (const auto& [member, entry] : table_.entries()) {
    if (entry.liveness == Liveness::kDead) dead.push_back(member);
  }
  if (!dead.empty()) {
    const MemberId to = dead[Next64() % dead.size()];
    Send({.purpose = Purpose::kReconnect, .to = to}, SwimKind::kPing, MemberId(), settings_.probe_interval, out);
  }
  next_reconnect_ = now + ReconnectInterval();
}

// So long that each dead member is asked about once a probe interval by all others together, whatever their number.
Duration Swim::ReconnectInterval() {
  int64_t dead = 0;
  for (const auto& [member, entry] : table_.entries()) dead += entry.liveness == Liveness::kDead ? 1 : 0;
  if (dead == 0) return settings_.probe_interval;
  const int64_t others = static_cast<int64_t>(table_.entries().size()) - dead;
  const Duration fair = settings_.probe_interval * others / dead;
  return Jittered(std::clamp(fair, settings_.probe_interval, settings_.reconnect_interval_max));
}

// ---- Messages

void Swim::Send(UnderWay call, SwimKind kind, MemberId target, Duration timeout, SwimOutput* out) {
  SwimSend send{.id = next_id_++, .to = call.to, .call = {.kind = kind, .target = target}, .timeout = timeout};
  std::vector<SwimUpdate>& updates = send.call.updates;
  if (kind == SwimKind::kPushPull) {
    updates = table_.All();
  } else {
    updates.push_back(table_.Own());
    const SwimTable::Entry* entry = table_.Find(call.to);
    // Who is doubted learns it first, and can refute at once. A dead one can't come back without.
    const bool tell = settings_.lifeguard ? entry->liveness != Liveness::kAlive : entry->liveness == Liveness::kDead;
    if (tell) updates.push_back(table_.UpdateOf(call.to));
    table_.TakeNews(settings_.updates_max, call.to, &updates);
  }
  under_way_.emplace(send.id, call);
  out->sends.push_back(std::move(send));
}

SwimAnswer Swim::Answer(MemberId to, const std::vector<SwimUpdate>& heard) {
  SwimAnswer answer;
  answer.updates.push_back(table_.Own());
  if (const SwimTable::Entry* entry = table_.Find(to); entry != nullptr) {
    const bool behind = std::any_of(heard.begin(), heard.end(), [&](const SwimUpdate& update) {
      return update.member == to && (update.incarnation < entry->incarnation ||
                                     (update.incarnation == entry->incarnation && update.address != entry->address));
    });
    // A restarted member doesn't know the incarnation that it has to exceed.
    if (behind || (settings_.lifeguard && entry->liveness != Liveness::kAlive)) {
      answer.updates.push_back(table_.UpdateOf(to));
    }
  }
  table_.TakeNews(settings_.updates_max, to, &answer.updates);
  return answer;
}

void Swim::OnCall(MonotonicTime now, MemberId from, const SwimCall& call, uint64_t token, SwimOutput* out) {
  Absorb(now, from, call.updates, call.kind == SwimKind::kPushPull, out);
  switch (call.kind) {
    case SwimKind::kPing:
    case SwimKind::kGossip:
      break;
    case SwimKind::kPushPull:
      out->responses.push_back({token, {.updates = table_.All()}});
      if (table_.Find(from) != nullptr) out->responses.back().answer.updates.push_back(table_.UpdateOf(from));
      return;
    case SwimKind::kPingReq:
      if (call.target == self_) break;
      if (table_.Find(call.target) == nullptr) {
        out->responses.push_back({token, Answer(from, call.updates)});
        out->responses.back().answer.reached = false;
        return;
      }
      // Less than the asker waits, so that "no answer" still reaches it.
      Send({.purpose = Purpose::kRelay, .to = call.target, .relay_token = token}, SwimKind::kPing, MemberId(),
           settings_.probe_timeout, out);
      return;
  }
  out->responses.push_back({token, Answer(from, call.updates)});
}

void Swim::OnAnswer(MonotonicTime now, uint64_t id, const std::optional<SwimAnswer>& answer, SwimOutput* out) {
  auto at = under_way_.find(id);
  if (at == under_way_.end()) return;
  const UnderWay call = at->second;
  under_way_.erase(at);
  const SwimTable::Entry* entry = table_.Find(call.to);
  const bool was_dead = entry != nullptr && entry->liveness == Liveness::kDead;
  if (answer.has_value()) Absorb(now, call.to, answer->updates, call.purpose == Purpose::kPushPull, out);
  const bool mine = probe_.has_value() && call.probe == probe_->number;
  switch (call.purpose) {
    case Purpose::kProbe:
      if (mine && answer.has_value()) probe_->answered = true;
      // A refused connection needs no waiting: others are asked now.
      if (mine && !answer.has_value() && !probe_->indirect && now < probe_->direct_until) AskHelpers(now, out);
      return;
    case Purpose::kHelp:
      if (!mine || !answer.has_value()) return;
      if (answer->reached && !probe_->answered) {
        out->events.push_back({SwimEventKind::kReachedByOthers, probe_->target});
      }
      if (answer->reached) probe_->answered = true;
      if (answer->reached || settings_.lifeguard) ++probe_->helpers_heard;
      return;
    case Purpose::kRelay:
      out->responses.push_back({call.relay_token, Answer(MemberId(), {})});
      out->responses.back().answer.reached = answer.has_value();
      return;
    case Purpose::kReconnect:
      // The two sides of a healed partition have much to tell each other.
      if (was_dead && answer.has_value()) PushPull(call.to, out);
      return;
    case Purpose::kGossip:
    case Purpose::kPushPull:
      return;
  }
}

void Swim::Absorb(MonotonicTime now, MemberId from, const std::vector<SwimUpdate>& updates, bool hearsay,
                  SwimOutput* out) {
  for (const SwimUpdate& update : updates) {
    Report(table_.Apply(now, from, update, hearsay), update, out);
  }
}

void Swim::Report(SwimTable::Verdict verdict, const SwimUpdate& update, SwimOutput* out) {
  if (verdict == SwimTable::Verdict::kOld) return;
  const SwimTable::Entry& entry = *table_.Find(update.member);
  uint64_t incarnation = entry.incarnation;
  SwimEventKind kind = SwimEventKind::kForged;
  if (verdict == SwimTable::Verdict::kChanged) {
    kind = entry.liveness == Liveness::kAlive     ? SwimEventKind::kAlive
           : entry.liveness == Liveness::kSuspect ? SwimEventKind::kSuspect
                                                  : SwimEventKind::kDead;
  } else if (verdict == SwimTable::Verdict::kRefuted) {
    kind = SwimEventKind::kRefuted;
    ++figures_.refutations;
    AddHealth(1);
  } else {
    ++figures_.forged;
    incarnation = update.incarnation;
  }
  out->events.push_back({kind, update.member, incarnation});
}

// ---- Chance and health

std::vector<MemberId> Swim::Pick(size_t count, Liveness worst, MemberId except) {
  std::vector<MemberId> members;
  for (const auto& [member, entry] : table_.entries()) {
    if (member != self_ && member != except && entry.liveness <= worst) members.push_back(member);
  }
  Shuffle(members);
  if (members.size() > count) members.resize(count);
  return members;
}

void Swim::AddHealth(int points) {
  if (settings_.lifeguard) health_ = std::clamp(health_ + points, 0, settings_.health_max);
}

// Between a half and one and a half times as long.
Duration Swim::Jittered(Duration duration) {
  return duration / 2 + Duration(static_cast<int64_t>(Next64() % static_cast<uint64_t>(duration.count())));
}

// SplitMix64 (Steele, Lea, Flood, 2014).
uint64_t Swim::Next64() {
  uint64_t z = (random_ += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

template <class T>
void Swim::Shuffle(std::vector<T>& items) {
  for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[Next64() % i]);
}

}  // namespace henge
