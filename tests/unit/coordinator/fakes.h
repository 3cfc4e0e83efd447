// The world of one coordinator under test: every wait ends when the test says so.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/coordinator.h"
#include "coordinator/local_hints.h"
#include "coordinator/local_replica.h"
#include "core/model/context.h"
#include "core/model/object_builder.h"
#include "core/model/slot.h"
#include "core/runtime/clock.h"
#include "core/runtime/turn_loop.h"

namespace henge::coordinator_test {

class ManualClock final : public Clock {
 public:
  MonotonicTime Now() const override { return now; }
  WallTime WallNow() const override { return wall; }

  MonotonicTime now{std::chrono::hours(1)};
  WallTime wall{std::chrono::milliseconds(1'750'000'000'000)};
};

// A loop that runs when the test says so, over a clock that only it moves.
class ManualLoop final : public Executor {
 public:
  explicit ManualLoop(ManualClock& clock) : clock_(clock) {}

  void Post(Closure closure) override { loop_.Post(std::move(closure)); }
  TimerId RunAt(MonotonicTime when, Closure closure) override { return loop_.RunAt(when, std::move(closure)); }
  void Cancel(TimerId timer) override { loop_.Cancel(timer); }
  void AtTurnEnd(TurnPhase phase, Closure closure) override { loop_.AtTurnEnd(phase, std::move(closure)); }

  // Runs turns until nothing is left to run at this instant.
  void Run();
  // Lets `time` pass; each timer runs at its own instant.
  void Pass(Duration time);
  // Lets `time` pass at once, as for a process that was paused, then runs what is there.
  void PauseFor(Duration time);
  bool has_timers() const { return loop_.NextTimer().has_value(); }

 private:
  bool TimerDue() const { return loop_.NextTimer().has_value() && *loop_.NextTimer() <= clock_.now; }

  ManualClock& clock_;
  TurnLoop loop_;
};

class CountingRandom final : public Random {
 public:
  explicit CountingRandom(uint64_t seed = 0) : state_(seed) {}
  uint64_t Next64() override;

 private:
  uint64_t state_;
};

class RecordingTracer final : public Tracer {
 public:
  bool Enabled(Severity) const override { return true; }
  void Event(Severity, std::string_view event, std::initializer_list<TraceField>) override {
    ++events[std::string(event)];
  }
  std::map<std::string, int> events;
};

// Keeps every call until the test answers it.
class FakeTransport final : public Transport {
 public:
  struct Sent {
    MemberId to;
    PeerRequest request;
    MonotonicTime deadline;
    Callback done;  // null once answered
  };

  explicit FakeTransport(ManualLoop& loop) : loop_(loop) {}

  void Call(MemberId to, PeerRequest request, MonotonicTime deadline, Callback done) override {
    sent.push_back({to, std::move(request), deadline, std::move(done)});
  }

  // Answers the `index`-th call and runs the loop.
  void Answer(size_t index, absl::StatusOr<PeerReply> reply);
  // The calls of kind T to `to` that are not answered, oldest first.
  template <class T>
  std::vector<size_t> Open(MemberId to) const {
    std::vector<size_t> open;
    for (size_t i = 0; i < sent.size(); ++i) {
      if (sent[i].done && sent[i].to == to && std::holds_alternative<T>(sent[i].request)) open.push_back(i);
    }
    return open;
  }
  template <class T>
  int Count() const {
    int count = 0;
    for (const Sent& s : sent) count += std::holds_alternative<T>(s.request) ? 1 : 0;
    return count;
  }
  template <class T>
  int CountTo(MemberId to) const {
    int count = 0;
    for (const Sent& s : sent) count += s.to == to && std::holds_alternative<T>(s.request) ? 1 : 0;
    return count;
  }

  std::vector<Sent> sent;

 private:
  ManualLoop& loop_;
};

// A replica in memory, with switches for each way in which a real one can be slow or fail.
class FakeLocalReplica final : public LocalReplica {
 public:
  FakeLocalReplica(ManualLoop& loop, ManualClock& clock) : loop_(loop), clock_(clock) {}

  absl::Status AdmitWrite(bool tombstone) const override { return tombstone ? admit_delete : admit_put; }
  void Mint(MintCommand command, MintedFn minted, DurableFn durable) override;
  void Read(RecordKey key, ReadFn done) override;
  void Merge(MergeRequest request, MergeFn done) override;
  void CheckAmnesia(RecordKey key, Dot seen, AmnesiaFn done) override;

  absl::Status admit_put;
  absl::Status admit_delete;
  bool on_disk = false;     // reads wait for ReleaseReads
  bool hold_mints = false;  // bases wait for ReleaseReads
  bool hold_commits = false;
  absl::Status read_error;
  absl::Status mint_error;
  absl::Status commit_error;
  absl::Status merge_refusal;  // answered within the call, as by a full disk
  bool amnesia = false;
  bool answers_merges_at_once = false;  // as one does whose durable record covers what comes

  void ReleaseReads();
  void ReleaseCommits();

  std::map<std::string, Object> records;
  std::map<std::string, std::optional<Mark>> marks;
  Minter minter{.store = StoreId(1), .lifetime = Lifetime(100)};
  int mints = 0;
  int merges = 0;
  std::vector<MintCommand> commands;  // as they came

 private:
  void Commit(DurableFn durable);

  ManualLoop& loop_;
  ManualClock& clock_;
  std::vector<Closure> held_reads_;
  std::vector<DurableFn> held_commits_;
};

// Hints in memory, with room for as many as the test says.
class FakeLocalHints final : public LocalHints {
 public:
  FakeLocalHints(ManualLoop& loop, ManualClock& clock) : loop_(loop), clock_(clock) {}

  void Store(HintRequest request, StoreFn done) override;
  void Read(RecordKey key, ReadFn done) override;
  void Mint(MintCommand command, MemberId target, uint32_t needed, LocalReplica::MintedFn minted,
            LocalReplica::DurableFn durable) override;

  bool full = false;
  std::map<std::string, std::map<MemberId, Object>> hints;  // by key and target
  std::vector<MintCommand> commands;                        // as they came
  std::vector<MemberId> targets;                            // of the mints
  std::vector<HintRequest> stored;

 private:
  Object MergeOf(const std::string& key) const;

  ManualLoop& loop_;
  ManualClock& clock_;
  Minter minter_{.store = StoreId(1), .lifetime = Lifetime(900)};
};

// An object with one version per (store, counter, value).
struct VersionSpec {
  uint64_t store = 0;
  uint64_t counter = 0;
  std::string value;
  bool tombstone = false;
  int64_t expires_at_ms = 0;
  OpId op_id;
  uint64_t request_hash = 0;
};
Object MakeObject(const std::vector<VersionSpec>& versions);
Dot MakeDot(uint64_t store, uint64_t counter);

ReadReply Found(const Object& object);
inline ReadReply Absent() { return {}; }
inline ReadReply Same() { return {.found = true, .same = true}; }

RingPtr MakeRing(int members, uint32_t replicas = 3);

// A coordinator of member 1 in a cluster of `members`, and the replies of the requests sent to it.
class Rig {
 public:
  enum class Hints : bool { kNone, kHere };
  explicit Rig(int members = 3, CoordinatorOptions options = {}, Hints with = Hints::kNone);

  // Sends a request and runs the loop.
  std::shared_ptr<std::optional<ClientReply>> Send(ClientRequest request, Via via = Via::kClient);
  // Answers the oldest open read of (or merge into) `from`.
  void AnswerRead(uint32_t from, absl::StatusOr<ReadReply> reply);
  void AnswerMerge(uint32_t from, absl::StatusOr<MergeReply> reply);
  // Acks the oldest open merge as a healthy replica does.
  void Ack(uint32_t from);
  // Acks the oldest open hint as a fallback does that has room.
  void AckHint(uint32_t from);
  void AnswerHint(uint32_t from, absl::StatusOr<HintReply> reply);
  // What gossip says.
  void HoldDead(std::initializer_list<uint32_t> members);
  // The only owner of `key` beside member 1 to whom a read is open; 0 if there is none.
  uint32_t ReadPeer() const;
  Context Open(const std::string& sealed) const;
  std::string Seal(const Context& context, const std::string& key = "k") const;
  // A key that this node doesn't own.
  std::string ForeignKey() const;

  ManualClock clock;
  ManualLoop loop{clock};
  CountingRandom random;
  RecordingTracer tracer;
  FakeTransport transport{loop};
  FakeLocalReplica local{loop, clock};
  FakeLocalHints hints{loop, clock};
  RingPtr ring;
  std::unique_ptr<Coordinator> coordinator;
};

ClientRequest Get(std::string key = "k");
ClientRequest Put(std::string value, std::string key = "k");
ClientRequest Delete(std::string key = "k");
ClientRequest With(ClientRequest request, uint32_t quorum, QuorumMode mode = QuorumMode::kSloppy);

}  // namespace henge::coordinator_test
