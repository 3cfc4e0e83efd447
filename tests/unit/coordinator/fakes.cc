#include "tests/unit/coordinator/fakes.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "coordinator/read_edge.h"

namespace henge::coordinator_test {

void ManualLoop::Run() {
  while (loop_.HasWork() || TimerDue()) loop_.RunTurn(clock_, 1024);
}

void ManualLoop::Pass(Duration time) {
  const MonotonicTime end = clock_.now + time;
  Run();
  while (loop_.NextTimer().has_value() && *loop_.NextTimer() <= end) {
    const Duration step = std::max(Duration{0}, *loop_.NextTimer() - clock_.now);
    clock_.now += step;
    Run();
  }
  clock_.now = end;
  clock_.wall += std::chrono::duration_cast<std::chrono::milliseconds>(time);
}

void ManualLoop::PauseFor(Duration time) {
  clock_.now += time;
  Run();
}

uint64_t CountingRandom::Next64() {
  // SplitMix64.
  uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

void FakeTransport::Answer(size_t index, absl::StatusOr<PeerReply> reply) {
  ASSERT_LT(index, sent.size());
  ASSERT_TRUE(sent[index].done) << "answered twice";
  loop_.Post([done = std::exchange(sent[index].done, nullptr), reply = std::move(reply)]() mutable {
    done(std::move(reply));
  });
  loop_.Run();
}

void FakeLocalReplica::Mint(MintCommand command, MintedFn minted, DurableFn durable) {
  commands.push_back(command);
  Closure work = [this, command = std::move(command), minted = std::move(minted),
                  durable = std::move(durable)]() mutable {
    if (clock_.now >= command.deadline) {
      minted(absl::DeadlineExceededError("too late to mint"));
      return;
    }
    if (!mint_error.ok()) {
      minted(mint_error);
      return;
    }
    ++mints;
    const std::string key = command.key.key;
    Minted version = MintVersion(records[key], marks[key], command.context.vv, command.mutation, 7, &minter);
    records[key] = version.object;
    marks[key] = version.mark;
    MintResult result;
    result.object = std::make_shared<const std::string>(version.object.Encode());
    result.dot = version.dot;
    result.siblings_live = static_cast<uint32_t>(VisibleAt(version.object, 0).size());
    result.next_context = WriteContext(version.object, command.context, version.dot);
    minted(std::move(result));
    Commit(std::move(durable));
  };
  if (hold_mints) {
    held_reads_.push_back(std::move(work));
  } else {
    loop_.AtTurnEnd(TurnPhase::kRead, std::move(work));
  }
}

void FakeLocalReplica::Commit(DurableFn durable) {
  held_commits_.push_back(std::move(durable));
  if (!hold_commits) loop_.Post([this] { ReleaseCommits(); });
}

void FakeLocalReplica::Read(RecordKey key, ReadFn done) {
  Closure work = [this, key = std::move(key), done = std::move(done)]() mutable {
    if (!read_error.ok()) {
      done(read_error);
      return;
    }
    auto record = records.find(key.key);
    done(record == records.end() ? Absent() : Found(record->second));
  };
  if (on_disk) {
    held_reads_.push_back(std::move(work));
  } else {
    loop_.AtTurnEnd(TurnPhase::kRead, std::move(work));
  }
}

void FakeLocalReplica::Merge(MergeRequest request, MergeFn done) {
  ++merges;
  absl::StatusOr<Object> incoming = Object::Decode(request.object);
  ASSERT_TRUE(incoming.ok());
  if (!merge_refusal.ok()) {
    done(merge_refusal);
    return;
  }
  records[request.key.key].Merge(*incoming);
  if (answers_merges_at_once) return done(MergeReply{});
  Commit([done = std::move(done)](absl::Status status) mutable {
    done(status.ok() ? absl::StatusOr<MergeReply>(MergeReply{}) : absl::StatusOr<MergeReply>(std::move(status)));
  });
}

void FakeLocalReplica::CheckAmnesia(RecordKey, Dot, AmnesiaFn done) {
  if (amnesia) minter = {.store = minter.store, .lifetime = Lifetime(minter.lifetime.value() + 1)};
  loop_.AtTurnEnd(TurnPhase::kRead,
                  [done = std::move(done), answer = std::exchange(amnesia, false)]() mutable { done(answer); });
}

void FakeLocalReplica::ReleaseReads() {
  for (Closure& work : std::exchange(held_reads_, {})) work();
  loop_.Run();
}

void FakeLocalReplica::ReleaseCommits() {
  for (DurableFn& durable : std::exchange(held_commits_, {})) durable(commit_error);
}

Object FakeLocalHints::MergeOf(const std::string& key) const {
  Object merged;
  if (auto found = hints.find(key); found != hints.end()) {
    for (const auto& [target, object] : found->second) merged.Merge(object);
  }
  return merged;
}

void FakeLocalHints::Store(HintRequest request, StoreFn done) {
  stored.push_back(request);
  loop_.Post([this, request = std::move(request), done = std::move(done)]() mutable {
    if (full) {
      done(absl::ResourceExhaustedError("no room for a hint"));
      return;
    }
    absl::StatusOr<Object> object = Object::Decode(request.object);
    ASSERT_TRUE(object.ok());
    hints[request.key.key][request.target].Merge(*object);
    done(HintReply{.minter_counter = request.minter.has_value() ? object->vv().Get(*request.minter) : 0});
  });
}

void FakeLocalHints::Read(RecordKey key, ReadFn done) {
  loop_.AtTurnEnd(TurnPhase::kRead, [this, key = std::move(key), done = std::move(done)]() mutable {
    const Object merged = MergeOf(key.key);
    done(merged.empty() ? Absent() : Found(merged));
  });
}

void FakeLocalHints::Mint(MintCommand command, MemberId target, uint32_t, LocalReplica::MintedFn minted,
                          LocalReplica::DurableFn durable) {
  commands.push_back(command);
  targets.push_back(target);
  loop_.AtTurnEnd(TurnPhase::kRead, [this, command = std::move(command), target, minted = std::move(minted),
                                     durable = std::move(durable)]() mutable {
    if (clock_.now >= command.deadline) {
      minted(absl::DeadlineExceededError("too late to mint"));
      return;
    }
    if (full) {
      minted(absl::ResourceExhaustedError("no room for a hint"));
      return;
    }
    // No mark: an epoch of its own for every mint (P12).
    Minted version =
        MintVersion(MergeOf(command.key.key), std::nullopt, command.context.vv, command.mutation, 7, &minter_);
    hints[command.key.key][target].Merge(version.object);
    MintResult result;
    result.object = std::make_shared<const std::string>(version.object.Encode());
    result.dot = version.dot;
    result.siblings_live = static_cast<uint32_t>(VisibleAt(version.object, 0).size());
    result.next_context = WriteContext(version.object, command.context, version.dot);
    minted(std::move(result));
    loop_.Post([durable = std::move(durable)]() mutable { durable(absl::OkStatus()); });
  });
}

Dot MakeDot(uint64_t store, uint64_t counter) { return {{StoreId(store), Lifetime(store * 100), 1}, counter}; }

Object MakeObject(const std::vector<VersionSpec>& versions) {
  Object object;
  for (const VersionSpec& v : versions) {
    ObjectBuilder::Add(object, {.dot = MakeDot(v.store, v.counter),
                                .tombstone = v.tombstone,
                                .value = v.value,
                                .expires_at_ms = v.expires_at_ms,
                                .hlc = v.counter,
                                .op_id = v.op_id,
                                .request_hash = v.request_hash});
  }
  return object;
}

ReadReply Found(const Object& object) { return {.found = true, .object = object.Encode()}; }

RingPtr MakeRing(int members, uint32_t replicas) {
  std::vector<InitialMember> initial;
  for (int i = 1; i <= members; ++i) {
    initial.push_back({.name = absl::StrCat("n", i),
                       .client_address = absl::StrCat("host", i, ":7400"),
                       .peer_address = absl::StrCat("host", i, ":7401")});
  }
  absl::StatusOr<ClusterState> state = MakeInitialState("token", replicas, std::move(initial));
  EXPECT_TRUE(state.ok()) << state.status();
  return std::make_shared<const Ring>(*std::move(state));
}

Rig::Rig(int members, CoordinatorOptions options, Hints with) : ring(MakeRing(members)) {
  options.self = MemberId(1);
  ShardEnvironment environment{clock, loop, random, transport, tracer};
  coordinator =
      std::make_unique<Coordinator>(options, environment, local, ring, with == Hints::kHere ? &hints : nullptr);
}

std::shared_ptr<std::optional<ClientReply>> Rig::Send(ClientRequest request, Via via) {
  auto reply = std::make_shared<std::optional<ClientReply>>();
  coordinator->Handle(std::move(request), via, [reply](ClientReply r) {
    EXPECT_FALSE(reply->has_value()) << "replied twice";
    *reply = std::move(r);
  });
  loop.Run();
  return reply;
}

void Rig::AnswerRead(uint32_t from, absl::StatusOr<ReadReply> reply) {
  const auto open = transport.Open<ReadRequest>(MemberId(from));
  ASSERT_FALSE(open.empty()) << "no read is open at n" << from;
  transport.Answer(open[0], reply.ok() ? absl::StatusOr<PeerReply>(*std::move(reply)) : reply.status());
}

void Rig::AnswerMerge(uint32_t from, absl::StatusOr<MergeReply> reply) {
  const auto open = transport.Open<MergeRequest>(MemberId(from));
  ASSERT_FALSE(open.empty()) << "no merge is open at n" << from;
  transport.Answer(open[0], reply.ok() ? absl::StatusOr<PeerReply>(*reply) : reply.status());
}

void Rig::Ack(uint32_t from) {
  const auto open = transport.Open<MergeRequest>(MemberId(from));
  ASSERT_FALSE(open.empty()) << "no merge is open at n" << from;
  const auto& request = std::get<MergeRequest>(transport.sent[open[0]].request);
  MergeReply reply;
  if (request.minter.has_value()) reply.minter_counter = Object::Decode(request.object)->vv().Get(*request.minter);
  transport.Answer(open[0], reply);
}

void Rig::AnswerHint(uint32_t from, absl::StatusOr<HintReply> reply) {
  const auto open = transport.Open<HintRequest>(MemberId(from));
  ASSERT_FALSE(open.empty()) << "no hint is open at n" << from;
  transport.Answer(open[0], reply.ok() ? absl::StatusOr<PeerReply>(*reply) : reply.status());
}

void Rig::AckHint(uint32_t from) {
  const auto open = transport.Open<HintRequest>(MemberId(from));
  ASSERT_FALSE(open.empty()) << "no hint is open at n" << from;
  const auto& request = std::get<HintRequest>(transport.sent[open[0]].request);
  HintReply reply;
  if (request.minter.has_value()) reply.minter_counter = Object::Decode(request.object)->vv().Get(*request.minter);
  transport.Answer(open[0], reply);
}

void Rig::HoldDead(std::initializer_list<uint32_t> members) {
  std::vector<LivenessSnapshot::Entry> entries;
  for (uint32_t member : members) entries.push_back({.member = MemberId(member), .liveness = Liveness::kDead});
  coordinator->UpdateLiveness(std::make_shared<const LivenessSnapshot>(std::move(entries)));
}

uint32_t Rig::ReadPeer() const {
  for (const auto& s : transport.sent) {
    if (s.done && std::holds_alternative<ReadRequest>(s.request)) return s.to.value();
  }
  return 0;
}

Context Rig::Open(const std::string& sealed) const {
  auto context = OpenContext(sealed, ring->cluster(), ring->state().buckets[0].id, "k");
  EXPECT_TRUE(context.ok()) << context.status();
  return context.ok() ? *context : Context{};
}

std::string Rig::Seal(const Context& context, const std::string& key) const {
  return SealContext(context, ring->cluster(), ring->state().buckets[0].id, key);
}

std::string Rig::ForeignKey() const {
  for (int i = 0;; ++i) {
    std::string key = absl::StrCat("k", i);
    if (!ring->IsOwner(PartitionOf(key), MemberId(1))) return key;
  }
}

ClientRequest Get(std::string key) { return {.op = ClientOp::kGet, .key = std::move(key)}; }

ClientRequest Put(std::string value, std::string key) {
  return {.op = ClientOp::kPut, .key = std::move(key), .value = std::move(value)};
}

ClientRequest Delete(std::string key) { return {.op = ClientOp::kDelete, .key = std::move(key)}; }

ClientRequest With(ClientRequest request, uint32_t quorum, QuorumMode mode) {
  request.consistency = {.quorum = quorum, .has_quorum = true, .mode = mode};
  return request;
}

}  // namespace henge::coordinator_test
