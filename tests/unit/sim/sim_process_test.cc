// Two processes that talk: the outcomes of transport.h that only a simulated network produces on demand, crashes, and
// determinism.
#include "tests/sim/sim_process.h"

#include "core/model/slot.h"

namespace henge::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

ReadRequest ReadOf(std::string name) {
  const PartitionId partition = PartitionOf(name);
  return ReadRequest{RecordKey{partition, BucketId(1), std::move(name)}, LayoutEpoch(1), std::nullopt};
}

class Echo : public PeerHandler {
 public:
  void Handle(MemberId, PeerRequest request, MonotonicTime, ReplyFn reply) override {
    ++served;
    reply(ReadReply{.found = true, .object = std::get<ReadRequest>(request).key.key});
  }
  int served = 0;
};

// Two members, of two shards each.
struct Pair {
  explicit Pair(uint64_t seed, SimLinkOptions links = {})
      : scheduler(seed), random(seed), network(scheduler, random.Split("network"), links) {
    for (uint32_t member : {1u, 2u}) Start(member, 1);
  }
  void Start(uint32_t member, uint64_t incarnation) {
    SimProcessOptions options;
    options.member = MemberId(member);
    options.incarnation = incarnation;
    options.shards = 2;
    options.name = "n" + std::to_string(member);
    options.clock.monotonic_origin = std::chrono::hours(member);
    options.transport.shard_of = [](MemberId, PartitionId partition) { return partition.value() % 2; };
    auto& process = processes[member];
    process.reset();
    process = std::make_unique<SimProcess>(scheduler, network, random, serious, options);
    for (int shard = 0; shard < 2; ++shard) process->transport(shard).Serve(&echoes[member][shard]);
  }
  // Calls from shard 0 of member 1.
  void Call(std::string key, Duration budget) {
    const ShardEnvironment environment = processes[1]->environment(0);
    environment.executor.Post([this, environment, key = std::move(key), budget] {
      environment.transport.Call(MemberId(2), ReadOf(key), environment.clock.Now() + budget,
                                 [this](absl::StatusOr<PeerReply> reply) { replies.push_back(std::move(reply)); });
    });
  }
  int CountOf(absl::StatusCode code) const {
    int count = 0;
    for (const auto& reply : replies) count += reply.status().code() == code;
    return count;
  }

  SimScheduler scheduler;
  SimRandom random;
  SimNetwork network;
  std::vector<SeriousEvent> serious;
  std::map<uint32_t, std::map<int, Echo>> echoes;
  std::map<uint32_t, std::unique_ptr<SimProcess>> processes;
  std::vector<absl::StatusOr<PeerReply>> replies;
};

TEST(SimProcessTest, CallsReachTheShardOfTheirPartition) {
  Pair pair(1);
  for (int i = 0; i < 100; ++i) pair.Call("k" + std::to_string(i), seconds(1));
  pair.scheduler.RunFor(seconds(2));
  EXPECT_EQ(pair.CountOf(absl::StatusCode::kOk), 100);
  int odd = 0;
  for (int i = 0; i < 100; ++i) odd += PartitionOf("k" + std::to_string(i)).value() % 2;
  EXPECT_EQ(pair.echoes[2][1].served, odd);
  EXPECT_EQ(pair.echoes[2][0].served, 100 - odd);
}

TEST(SimProcessTest, ARequestMayRunAndItsReplyBeLost) {
  Pair pair(1);
  pair.network.SetLink(2, 1, {.loss = 1});
  pair.Call("k", seconds(1));
  pair.scheduler.RunFor(seconds(2));
  EXPECT_EQ(pair.echoes[2][0].served + pair.echoes[2][1].served, 1);
  EXPECT_EQ(pair.CountOf(absl::StatusCode::kDeadlineExceeded), 1);
}

TEST(SimProcessTest, ARequestMayRunTwiceAndIsAnsweredOnce) {
  Pair pair(1);
  pair.network.SetLink(1, 2, {.duplicate = 1});
  pair.Call("k", seconds(1));
  pair.scheduler.RunFor(seconds(2));
  EXPECT_EQ(pair.echoes[2][0].served + pair.echoes[2][1].served, 2);
  ASSERT_EQ(pair.replies.size(), 1u);
  EXPECT_TRUE(pair.replies[0].ok());
  EXPECT_EQ(pair.processes[1]->transport(0).figures().late_replies, 1u);
}

TEST(SimProcessTest, ASilentMachineIsFoundOutByTheDeadlineOnly) {
  Pair pair(1);
  pair.processes[2]->Crash(SimNetwork::StopKind::kMachine);
  pair.Call("k", seconds(3));
  pair.scheduler.RunFor(seconds(2));
  EXPECT_TRUE(pair.replies.empty());
  pair.scheduler.RunFor(seconds(2));
  EXPECT_EQ(pair.CountOf(absl::StatusCode::kDeadlineExceeded), 1);
}

TEST(SimProcessTest, ACrashedProcessRunsNothingMoreAndANewOneServes) {
  Pair pair(1);
  for (int i = 0; i < 50; ++i) pair.Call("k" + std::to_string(i), seconds(5));
  pair.scheduler.RunFor(microseconds(150));
  const int served = pair.echoes[2][0].served + pair.echoes[2][1].served;
  pair.processes[2]->Crash(SimNetwork::StopKind::kProcess);
  pair.scheduler.RunFor(seconds(1));
  EXPECT_EQ(pair.echoes[2][0].served + pair.echoes[2][1].served, served);
  EXPECT_EQ(pair.replies.size(), 50u);
  EXPECT_GT(pair.CountOf(absl::StatusCode::kUnavailable), 0);
  pair.Start(2, 2);
  pair.replies.clear();
  pair.Call("again", seconds(5));
  pair.scheduler.RunFor(seconds(1));
  EXPECT_EQ(pair.CountOf(absl::StatusCode::kOk), 1);
}

TEST(SimProcessTest, AnAnswerToADeadProcessIsNotTakenForOneToItsSuccessor) {
  // Each process numbers its calls from one: only the connection tells them apart.
  struct Hold : PeerHandler {
    void Handle(MemberId, PeerRequest, MonotonicTime, ReplyFn reply) override { held.push_back(std::move(reply)); }
    std::vector<ReplyFn> held;
  };
  Pair pair(1);
  Hold hold;
  for (int shard = 0; shard < 2; ++shard) pair.processes[2]->transport(shard).Serve(&hold);
  pair.Call("k", seconds(100));
  pair.scheduler.RunFor(seconds(1));
  ASSERT_EQ(hold.held.size(), 1u);
  pair.processes[1]->Crash(SimNetwork::StopKind::kProcess);
  pair.Start(1, 2);
  pair.Call("k", seconds(100));
  pair.scheduler.RunFor(seconds(1));
  ASSERT_EQ(hold.held.size(), 2u);
  pair.processes[2]->loop(0).Post([&hold] { hold.held[0](absl::DataLossError("for the dead")); });
  pair.scheduler.RunFor(seconds(1));
  EXPECT_TRUE(pair.replies.empty());
  pair.processes[2]->loop(0).Post([&hold] { hold.held[1](ReadReply{}); });
  pair.scheduler.RunFor(seconds(1));
  EXPECT_EQ(pair.CountOf(absl::StatusCode::kOk), 1);
}

TEST(SimProcessTest, APausedProcessAnswersWhenItResumes) {
  Pair pair(1);
  pair.processes[2]->Pause();
  pair.Call("k", seconds(10));
  pair.scheduler.RunFor(seconds(5));
  EXPECT_TRUE(pair.replies.empty());
  pair.processes[2]->Resume();
  pair.scheduler.RunFor(seconds(1));
  EXPECT_EQ(pair.CountOf(absl::StatusCode::kOk), 1);
}

TEST(SimProcessTest, AGarbageFrameBreaksTheConnectionAndNothingElse) {
  Pair pair(1);
  pair.network.Send(SimAddress{1, 0}, SimAddress{2, 0}, "\xff\xff\xff no frame");
  pair.scheduler.RunFor(seconds(1));
  EXPECT_EQ(pair.processes[2]->transport(0).figures().bad_frames, 1u);
  pair.Call("k", seconds(5));
  pair.scheduler.RunFor(seconds(1));
  EXPECT_EQ(pair.CountOf(absl::StatusCode::kOk), 1);
}

uint64_t UnseedOf(uint64_t seed) {
  Pair pair(seed, {.loss = 0.05, .duplicate = 0.05, .reorder = 0.2});
  for (int i = 0; i < 200; ++i) {
    pair.Call("k" + std::to_string(i), milliseconds(20));
    pair.scheduler.RunFor(microseconds(300));
    if (i == 50) pair.processes[2]->Pause();
    if (i == 60) pair.processes[2]->Resume();
    if (i == 100) pair.processes[2]->Crash(SimNetwork::StopKind::kProcess);
    if (i == 130) pair.Start(2, 2);
  }
  pair.scheduler.RunFor(seconds(1));
  EXPECT_EQ(pair.replies.size(), 200u);
  return pair.scheduler.Unseed();
}

TEST(SimProcessTest, OneSeedGivesOneRun) {
  EXPECT_EQ(UnseedOf(1), UnseedOf(1));
  EXPECT_EQ(UnseedOf(2), UnseedOf(2));
  EXPECT_NE(UnseedOf(1), UnseedOf(2));
}

}  // namespace
}  // namespace henge::sim
