#include "tests/unit/model/causal_model.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/model/object_builder.h"

namespace henge {
namespace {

// The merges that break a rule, built from scratch so that production code has no switch for them.
void BrokenMerge(Object* into, const Object& other, Rules::Merge kind) {
  Object merged;
  auto add = [&merged, kind](const Object& from, const Object& against) {
    for (const Sibling& sibling : from.siblings()) {
      if (kind == Rules::Merge::kByVvAlone && against.vv().Covers(sibling.dot)) continue;
      ObjectBuilder::Add(merged, sibling);
    }
  };
  add(*into, other);
  add(other, *into);
  ObjectBuilder::Vv(merged).Join(into->vv());
  ObjectBuilder::Vv(merged).Join(other.vv());
  *into = std::move(merged);
}

void CollapseEqualOps(Object* object) {
  std::vector<Sibling>& siblings = ObjectBuilder::Siblings(*object);
  std::vector<Sibling> kept;
  for (Sibling& sibling : siblings) {
    const bool twice =
        std::any_of(kept.begin(), kept.end(), [&](const Sibling& s) { return s.op_id == sibling.op_id; });
    if (!twice) kept.push_back(std::move(sibling));
  }
  siblings = std::move(kept);
}

uint32_t Bit(int index) { return uint32_t{1} << index; }

}  // namespace

Violations& Violations::operator+=(const Violations& other) {
  reused_dots += other.reused_dots;
  lost_values += other.lost_values;
  false_siblings += other.false_siblings;
  unlike_history += other.unlike_history;
  order_dependent += other.order_dependent;
  return *this;
}

std::string Violations::ToString() const {
  return absl::StrCat("reused dots ", reused_dots, ", lost values ", lost_values, ", false siblings ", false_siblings,
                      ", unlike the history ", unlike_history, ", order-dependent ", order_dependent);
}

const World::Record* World::Base(int at) const {
  const Replica& replica = replicas_[at];
  if (rules_.overlay && !replica.pending.empty()) return &replica.pending.back();
  return replica.disk.has_value() ? &*replica.disk : nullptr;
}

void World::NewLifetime(int at) {
  Minter& minter = replicas_[at].minter;
  minter.store = StoreId(static_cast<uint64_t>(at + 1));
  minter.lifetime = Lifetime(next_lifetime_++);
  minter.last_epoch = 0;
}

void World::Put(int at, int seen, bool commit_fails) {
  PutState put;
  if (seen != kNobody && replicas_[seen].disk.has_value()) {
    const Copy& read = replicas_[seen].disk->copy;
    put.context = read.object.vv();
    put.context_mints = read.known;
    put.observed = PutsOf(read.live);
    for (int p = 0; p < puts(); ++p) {
      if (put.observed & Bit(p)) put.observed |= puts_[p].observed;
    }
  }
  puts_.push_back(put);
  MintFor(puts() - 1, at, put.context, put.context_mints, commit_fails);
}

void World::Retry(int put, int at) {
  if (rules_.retry_asks_first) {
    for (const Replica& replica : replicas_) {
      if (!replica.disk.has_value()) continue;
      const Copy& copy = replica.disk->copy;
      if (copy.object.FindOp({1, static_cast<uint64_t>(put)}) == nullptr) continue;
      for (int to = 0; to < kReplicas; ++to) {
        net_.push_back({.to = to, .copy = std::make_shared<const Copy>(copy)});
      }
      return;
    }
    puts_[put].minted_twice = true;  // nobody had it: a second version is what the rule asks for
  }
  const PutState state = puts_[put];
  MintFor(put, at, state.context, state.context_mints, /*commit_fails=*/false);
}

std::optional<Mark> World::MarkToUse(const Record* base, const VersionVector& joined, const Minter& minter) const {
  if (rules_.heed_mark) return base == nullptr ? std::nullopt : base->mark;
  // Without P4: go on from the highest epoch of this lifetime that the record shows.
  std::optional<Mark> mark;
  for (const VersionVector::Entry& entry : joined.entries()) {
    if (entry.actor.store != minter.store || entry.actor.lifetime != minter.lifetime) continue;
    mark = Mark{entry.actor.lifetime, entry.actor.epoch, entry.counter};
  }
  return mark;
}

void World::MintFor(int put, int at, const VersionVector& context, Set context_mints, bool commit_fails) {
  Replica& replica = replicas_[at];
  if (replica.minter.lifetime == Lifetime(0)) NewLifetime(at);
  const Record* base = Base(at);
  const int mint = static_cast<int>(mints_.size());
  Copy copy = base == nullptr ? Copy() : base->copy;
  VersionVector joined = copy.object.vv();
  joined.Join(context);
  const std::optional<Mark> mark = MarkToUse(base, joined, replica.minter);
  VersionVector passed = context;
  if (!rules_.join_context) {
    std::erase_if(ObjectBuilder::Siblings(copy.object), [&](const Sibling& s) { return context.Covers(s.dot); });
    passed = VersionVector();
  }
  Mutation mutation{.value = std::string(1, static_cast<char>('a' + put)),
                    .op_id = {1, static_cast<uint64_t>(put)},
                    .request_hash = static_cast<uint64_t>(mint)};
  Minted minted = MintVersion(std::move(copy.object), mark, passed, std::move(mutation), 0, &replica.minter);
  for (const Mint& earlier : mints_) violations_.reused_dots += earlier.dot == minted.dot ? 1 : 0;
  mints_.push_back({minted.dot, put});
  puts_[put].mint = mint;
  puts_[put].acks = 0;
  copy.object = std::move(minted.object);
  copy.known |= context_mints | Bit(mint);
  copy.live = (copy.live & ~context_mints) | Bit(mint);
  Compare(copy);
  Send(at, mint, copy);
  if (!commit_fails) {
    replica.pending.push_back({std::move(copy), minted.mark});
  } else if (rules_.close_on_failure) {
    NewLifetime(at);
  }
}

void World::Send(int from, int mint, const Copy& copy) {
  auto sent = std::make_shared<Copy>(copy);
  if (!rules_.whole_records) {
    const Dot dot = mints_[mint].dot;
    std::erase_if(ObjectBuilder::Siblings(sent->object), [&dot](const Sibling& s) { return s.dot != dot; });
  }
  for (int to = 0; to < kReplicas; ++to) {
    if (to != from) net_.push_back({.to = to, .from = from, .mint = mint, .copy = sent});
  }
}

bool World::MergeInto(Copy* into, const Copy& other) const {
  const Set live = (into->live & other.live) | (into->live & ~other.known) | (other.live & ~into->known);
  into->live = live;
  into->known |= other.known;
  switch (rules_.merge) {
    case Rules::Merge::kProduction:
      return into->object.Merge(other.object);
    case Rules::Merge::kCollapseOps: {
      const Object before = into->object;
      into->object.Merge(other.object);
      CollapseEqualOps(&into->object);
      return into->object != before;
    }
    case Rules::Merge::kKeepAll:
    case Rules::Merge::kByVvAlone: {
      const Object before = into->object;
      BrokenMerge(&into->object, other.object, rules_.merge);
      return into->object != before;
    }
  }
  return false;
}

void World::Deliver(int index, bool kept) {
  const Message message = net_[index];
  if (kept) {
    net_[index].from = kNobody;
  } else {
    net_.erase(net_.begin() + index);
  }
  const Record* base = Base(message.to);
  Record merged = base == nullptr ? Record() : *base;
  const Set known_before = merged.copy.known;
  const Set live_before = merged.copy.live;
  const bool changed = MergeInto(&merged.copy, *message.copy);
  const bool ought_to_change = known_before != merged.copy.known || live_before != merged.copy.live;
  if (changed != ought_to_change && twin_ == kNobody) ++violations_.unlike_history;
  Compare(merged.copy);
  const uint64_t counter = merged.copy.object.vv().Get(mints_[message.mint].dot.actor);
  replicas_[message.to].pending.push_back(std::move(merged));
  if (message.from != kNobody) Ack(message, counter);
}

// `counter` is what the replica knows, after the merge, of the actor that minted (P7).
void World::Ack(const Message& message, uint64_t counter) {
  const Mint mint = mints_[message.mint];
  PutState& put = puts_[mint.put];
  if (put.mint != message.mint) return;
  if (rules_.belt && message.from == twin_ && counter > mint.dot.counter && CanMint()) {
    if (replicas_[twin_].minter.lifetime == mint.dot.actor.lifetime) NewLifetime(twin_);
    put.minted_twice = true;
    MintFor(mint.put, twin_, VersionVector(), 0, /*commit_fails=*/false);
    return;
  }
  if (ack_means_all_ && ++put.acks == kReplicas - 1) acked_ |= Bit(mint.put);
}

void World::Commit(int at) {
  Replica& replica = replicas_[at];
  if (replica.pending.empty()) return;
  if (replica.disk.has_value()) stale_.push_back(std::make_shared<const Copy>(replica.disk->copy));
  replica.disk = std::move(replica.pending.front());
  replica.pending.erase(replica.pending.begin());
  if (!ack_means_all_) acked_ |= PutsOf(replica.disk->copy.live);
}

void World::Crash(int at) {
  replicas_[at].pending.clear();
  if (rules_.redraw_lifetime) {
    NewLifetime(at);
  } else {
    replicas_[at].minter.last_epoch = 0;
  }
}

bool World::Vanish(int at) {
  Replica& replica = replicas_[at];
  if (!replica.disk.has_value() || !replica.pending.empty()) return false;
  const bool elsewhere = std::any_of(replicas_.begin(), replicas_.end(), [&](const Replica& other) {
    return &other != &replica && other.disk.has_value() && other.disk->copy.object.Includes(replica.disk->copy.object);
  });
  if (!elsewhere) return false;
  stale_.push_back(std::make_shared<const Copy>(replica.disk->copy));
  replica.disk.reset();
  return true;
}

void World::Return(int stale, int at) { net_.push_back({.to = at, .copy = stale_[stale]}); }

bool World::Twin(int at) {
  Replica& replica = replicas_[at];
  const Actor first{replica.minter.store, replica.minter.lifetime, 1};
  for (const Replica& other : replicas_) {
    if (&other == &replica) continue;
    if (!other.disk.has_value() || other.disk->copy.object.vv().Get(first) < 2) return false;
  }
  replica.disk.reset();
  replica.pending.clear();
  replica.minter.last_epoch = 0;
  std::erase_if(net_, [at](const Message& m) { return m.from == at; });
  twin_ = at;
  return true;
}

bool World::AwaitsAck(int at) const {
  return std::any_of(net_.begin(), net_.end(), [at](const Message& m) { return m.from == at; });
}

int World::records() const {
  return static_cast<int>(
      std::count_if(replicas_.begin(), replicas_.end(), [](const Replica& r) { return r.disk.has_value(); }));
}

World::Copy World::MergeAll() const {
  Copy all;
  for (const Replica& replica : replicas_) {
    if (replica.disk.has_value()) MergeInto(&all, replica.disk->copy);
  }
  return all;
}

World::Set World::PutsOf(Set mints) const {
  Set puts = 0;
  for (size_t m = 0; m < mints_.size(); ++m) {
    if (mints & Bit(static_cast<int>(m))) puts |= Bit(mints_[m].put);
  }
  return puts;
}

// After a twin came up, a dot may name two mints, and the sets can't tell which one a record knows.
void World::Compare(const Copy& copy) {
  if (twin_ != kNobody) return;
  Set live = 0;
  for (const Sibling& sibling : copy.object.siblings()) live |= Bit(static_cast<int>(sibling.request_hash));
  bool same = live == copy.live && copy.object.siblings().size() == static_cast<size_t>(std::popcount(live));
  for (size_t m = 0; same && m < mints_.size(); ++m) {
    same = copy.object.vv().Covers(mints_[m].dot) == ((copy.known & Bit(static_cast<int>(m))) != 0);
  }
  if (!same) ++violations_.unlike_history;
}

Violations World::Check() const {
  Violations found = violations_;
  const Copy all = MergeAll();
  Set live = 0;
  for (const Sibling& sibling : all.object.siblings()) live |= Bit(sibling.value[0] - 'a');
  Set superseded = 0;
  for (int p = 0; p < puts(); ++p) {
    if ((live | acked_) & Bit(p)) superseded |= puts_[p].observed;
  }
  found.lost_values += std::popcount(acked_ & ~live & ~superseded);
  for (int p = 0; p < puts(); ++p) {
    if ((live & Bit(p)) == 0) continue;
    for (int seen = 0; seen < puts(); ++seen) {
      const bool both = (live & puts_[p].observed & Bit(seen)) != 0;
      if (both && !puts_[seen].minted_twice) ++found.false_siblings;
    }
  }
  CheckOrders(&found);
  return found;
}

// Commutative, associative, idempotent, canonical: every order and every grouping gives the same bytes.
void World::CheckOrders(Violations* found) const {
  std::vector<const Copy*> copies;
  for (const Replica& replica : replicas_) {
    if (replica.disk.has_value()) copies.push_back(&replica.disk->copy);
  }
  if (copies.size() < 2) return;
  std::vector<int> order(copies.size());
  std::iota(order.begin(), order.end(), 0);
  std::optional<Object> first;
  bool same = true;
  do {
    Copy left = *copies[order[0]];
    for (size_t i = 1; i < order.size(); ++i) MergeInto(&left, *copies[order[i]]);
    Copy tail = *copies[order.back()];
    for (size_t i = order.size() - 1; i-- > 1;) MergeInto(&tail, *copies[order[i]]);
    Copy right = *copies[order[0]];
    MergeInto(&right, tail);
    if (!first.has_value()) first = left.object;
    same = same && left.object == *first && right.object == *first && !MergeInto(&left, *copies[order[0]]);
  } while (std::next_permutation(order.begin(), order.end()));
  if (!same) ++found->order_dependent;
}

}  // namespace henge
