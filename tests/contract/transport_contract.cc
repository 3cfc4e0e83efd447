#include "tests/contract/transport_contract.h"

#include <atomic>
#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <variant>

#include "core/model/slot.h"

namespace henge::contract {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

RecordKey KeyNamed(std::string name) {
  const PartitionId partition = PartitionOf(name);
  return RecordKey{partition, BucketId(1), std::move(name)};
}

ReadRequest ReadOf(std::string name) { return ReadRequest{KeyNamed(std::move(name)), LayoutEpoch(1), std::nullopt}; }

// Serves the callee as each test wants it; notes what it was asked.
class ScriptedHandler : public PeerHandler {
 public:
  struct Received {
    MemberId from;
    PeerRequest request;
    Duration budget{0};  // that was left on arrival
    bool on_loop = false;
  };
  using Script = std::function<void(const PeerRequest& request, ReplyFn reply)>;

  explicit ScriptedHandler(TransportWorld& world) : world_(world) {}

  // What to do with requests from now on.
  void Use(Script script) {
    std::lock_guard lock(mutex_);
    script_ = std::move(script);
  }
  void Handle(MemberId from, PeerRequest request, MonotonicTime deadline, ReplyFn reply) override {
    Script script;
    {
      std::lock_guard lock(mutex_);
      received_.push_back(Received{from, request, deadline - world_.CalleeNow(), world_.IsOnCalleeLoop()});
      script = script_;
    }
    script(request, std::move(reply));
  }
  std::vector<Received> received() const {
    std::lock_guard lock(mutex_);
    return received_;
  }

 private:
  TransportWorld& world_;
  mutable std::mutex mutex_;
  Script script_ = [](const PeerRequest&, ReplyFn reply) { reply(absl::UnimplementedError("no script")); };
  std::vector<Received> received_;
};

// Replies with the name of the key that was asked for.
void Echo(const PeerRequest& request, PeerHandler::ReplyFn reply) {
  reply(ReadReply{.found = true, .object = std::get<ReadRequest>(request).key.key});
}

// Keeps the reply functions, to answer later or never. Filled on the callee's loop.
struct HeldReplies {
  std::vector<std::pair<std::string, PeerHandler::ReplyFn>> held;
  std::atomic<size_t> count = 0;
  ScriptedHandler::Script Script() {
    return [this](const PeerRequest& request, PeerHandler::ReplyFn reply) {
      held.emplace_back(std::get<ReadRequest>(request).key.key, std::move(reply));
      ++count;
    };
  }
};

// The results of calls, by their number.
class Results {
 public:
  explicit Results(TransportWorld& world) : world_(world) {}

  Transport::Callback At(int call) {
    return [this, call](absl::StatusOr<PeerReply> reply) {
      std::lock_guard lock(mutex_);
      if (!world_.IsOnCallerLoop() || inside_call_) ++misplaced_;
      results_[call].push_back(std::move(reply));
    };
  }
  void EnterCall() { inside_call_ = true; }
  void LeaveCall() { inside_call_ = false; }

  // How many calls were called back; a call that was called back twice counts twice.
  size_t total() const {
    std::lock_guard lock(mutex_);
    size_t sum = 0;
    for (const auto& [call, results] : results_) sum += results.size();
    return sum;
  }
  bool Has(int call) const {
    std::lock_guard lock(mutex_);
    return results_.contains(call);
  }
  // Callbacks that ran inside Call(), or not on the caller's loop.
  int misplaced() const { return misplaced_; }
  // The one result of `call`.
  absl::StatusOr<PeerReply> Of(int call) const {
    std::lock_guard lock(mutex_);
    const auto it = results_.find(call);
    if (it == results_.end()) return absl::InternalError("never called back");
    if (it->second.size() != 1) return absl::InternalError("called back more than once");
    return it->second.front();
  }
  absl::StatusCode CodeOf(int call) const { return Of(call).status().code(); }

 private:
  TransportWorld& world_;
  mutable std::mutex mutex_;
  std::map<int, std::vector<absl::StatusOr<PeerReply>>> results_;
  std::atomic<bool> inside_call_ = false;
  std::atomic<int> misplaced_ = 0;
};

class TransportContractTest : public ::testing::Test {
 protected:
  void StartWorld(TransportLimits limits = {}) {
    world_ = MakeTransportWorld(limits);
    results_ = std::make_unique<Results>(*world_);
    handler_ = std::make_unique<ScriptedHandler>(*world_);
    world_->Serve(handler_.get());
  }
  void SetUp() override { StartWorld(); }
  void TearDown() override {
    if (results_) {
      EXPECT_EQ(results_->misplaced(), 0);
    }
    world_.reset();
  }

  void Call(int number, PeerRequest request, Duration budget = seconds(10)) {
    CallTo(world_->callee(), number, std::move(request), budget);
  }
  void CallTo(MemberId to, int number, PeerRequest request, Duration budget) {
    world_->OnCallerLoop([&] {
      results_->EnterCall();
      world_->transport().Call(to, std::move(request), world_->CallerNow() + budget, results_->At(number));
      results_->LeaveCall();
    });
  }
  void Call(int number, Duration budget = seconds(10)) { Call(number, ReadOf("k" + std::to_string(number)), budget); }
  [[nodiscard]] bool AwaitResults(size_t count) {
    return world_->AwaitTrue([this, count] { return results_->total() >= count; });
  }
  // Calls until a call gets through: a transport may need a while to connect.
  [[nodiscard]] bool Connect() {
    handler_->Use(Echo);
    for (int attempt = 0; attempt < 200; ++attempt) {
      const int number = --connect_number_;
      Call(number, ReadOf("connect"));
      if (!world_->AwaitTrue([&] { return results_->Has(number); })) return false;
      ++settled_;
      if (results_->Of(number).ok()) return true;
      world_->Pass(milliseconds(20));
    }
    return false;
  }
  // Results beyond those of Connect().
  [[nodiscard]] bool AwaitNew(size_t count) { return AwaitResults(settled_ + count); }
  size_t NewResults() const { return results_->total() - settled_; }

  std::unique_ptr<ScriptedHandler> handler_;
  std::unique_ptr<Results> results_;
  HeldReplies held_;
  std::unique_ptr<TransportWorld> world_;  // first to go: it has callbacks to all of the above

 private:
  int connect_number_ = 0;
  size_t settled_ = 0;
};

TEST_F(TransportContractTest, ARequestArrivesAsItWasSent) {
  ASSERT_TRUE(Connect());
  std::string binary(300'000, '\0');
  for (size_t i = 0; i < binary.size(); ++i) binary[i] = static_cast<char>(i * 7);
  MergeRequest sent{KeyNamed(std::string("a\0{b}\xff", 6)), LayoutEpoch(9), binary,
                    Actor{StoreId(~uint64_t{0}), Lifetime(3), 4}};
  handler_->Use([](const PeerRequest&, PeerHandler::ReplyFn reply) { reply(MergeReply{.minter_counter = 77}); });
  const size_t before = handler_->received().size();
  Call(1, sent, seconds(5));
  ASSERT_TRUE(AwaitNew(1));
  const absl::StatusOr<PeerReply> reply = results_->Of(1);
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(std::get<MergeReply>(*reply).minter_counter, 77u);
  ASSERT_EQ(handler_->received().size(), before + 1);
  const ScriptedHandler::Received received = handler_->received().back();
  EXPECT_EQ(received.from, world_->caller());
  EXPECT_TRUE(received.on_loop);
  EXPECT_GT(received.budget, seconds(0));
  EXPECT_LE(received.budget, seconds(5));
  const auto& got = std::get<MergeRequest>(received.request);
  EXPECT_EQ(got.key, sent.key);
  EXPECT_EQ(got.epoch, sent.epoch);
  EXPECT_EQ(got.object, sent.object);
  EXPECT_EQ(got.minter, sent.minter);
}

TEST_F(TransportContractTest, EveryKindOfRequestGetsItsKindOfReply) {
  ASSERT_TRUE(Connect());
  handler_->Use([](const PeerRequest& request, PeerHandler::ReplyFn reply) {
    switch (request.index()) {
      case 0:
        return reply(MergeReply{.minter_counter = 5});
      case 1:
        return reply(ReadReply{.found = true, .object = "o", .mark = Mark{Lifetime(1), 2, 3}});
      case 2:
        return reply(ForwardReply{.reply = ClientReply{.values = {"v", ""}, .context = "c"}});
      default:
        return reply(ScanReply{.items = {ScannedRecord{KeyNamed("s"), "o"}}, .cursor = "x", .done = true});
    }
  });
  Call(0, MergeRequest{KeyNamed("m"), LayoutEpoch(1), "o", std::nullopt});
  Call(1, ReadOf("r"));
  Call(2, ForwardRequest{ClientRequest{.key = "f"}});
  Call(3, ScanRequest{PartitionId(3), LayoutEpoch(1), "", 1000});
  ASSERT_TRUE(AwaitNew(4));
  for (int i = 0; i < 4; ++i) {
    const absl::StatusOr<PeerReply> reply = results_->Of(i);
    ASSERT_TRUE(reply.ok()) << reply.status();
    EXPECT_EQ(reply->index(), static_cast<size_t>(i));
  }
  const PeerReply read = *results_->Of(1);
  EXPECT_EQ(std::get<ReadReply>(read).mark, (Mark{Lifetime(1), 2, 3}));
  const PeerReply forward = *results_->Of(2);
  EXPECT_THAT(std::get<ForwardReply>(forward).reply.values, ::testing::ElementsAre("v", ""));
  const PeerReply scan = *results_->Of(3);
  ASSERT_EQ(std::get<ScanReply>(scan).items.size(), 1u);
  EXPECT_EQ(std::get<ScanReply>(scan).items[0].key, KeyNamed("s"));
}

TEST_F(TransportContractTest, AStatusThatThePeerAnswersComesBack) {
  ASSERT_TRUE(Connect());
  handler_->Use([](const PeerRequest&, PeerHandler::ReplyFn reply) {
    reply(absl::FailedPreconditionError("another layout epoch: 7"));
  });
  Call(1);
  ASSERT_TRUE(AwaitNew(1));
  EXPECT_EQ(results_->CodeOf(1), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(results_->Of(1).status().message(), "another layout epoch: 7");
}

TEST_F(TransportContractTest, EachCallGetsItsOwnReplyInWhateverOrderTheyCome) {
  constexpr int kCalls = 1000;
  ASSERT_TRUE(Connect());
  handler_->Use(held_.Script());
  for (int i = 0; i < kCalls; ++i) Call(i);
  ASSERT_TRUE(world_->AwaitTrue([this] { return held_.count == kCalls; }));
  EXPECT_EQ(NewResults(), 0u);
  world_->OnCalleeLoop([this] {
    for (size_t i = held_.held.size(); i-- > 0;) {
      auto& [key, reply] = held_.held[i];
      reply(ReadReply{.found = true, .object = key});
    }
  });
  ASSERT_TRUE(AwaitNew(kCalls));
  for (int i = 0; i < kCalls; ++i) {
    const absl::StatusOr<PeerReply> reply = results_->Of(i);
    ASSERT_TRUE(reply.ok()) << reply.status();
    EXPECT_EQ(std::get<ReadReply>(*reply).object, "k" + std::to_string(i));
  }
}

TEST_F(TransportContractTest, ACallbackMayCallAgain) {
  ASSERT_TRUE(Connect());
  world_->OnCallerLoop([this] {
    world_->transport().Call(world_->callee(), ReadOf("first"), world_->CallerNow() + seconds(10),
                             [this](absl::StatusOr<PeerReply> reply) {
                               results_->At(1)(std::move(reply));
                               world_->transport().Call(world_->callee(), ReadOf("second"),
                                                        world_->CallerNow() + seconds(10), results_->At(2));
                             });
  });
  ASSERT_TRUE(AwaitNew(2));
  EXPECT_TRUE(results_->Of(1).ok());
  EXPECT_TRUE(results_->Of(2).ok());
}

TEST_F(TransportContractTest, NoAnswerByTheDeadlineIsDeadlineExceeded) {
  ASSERT_TRUE(Connect());
  handler_->Use(held_.Script());
  const MonotonicTime start = world_->CallerNow();
  Call(1, milliseconds(100));
  ASSERT_TRUE(AwaitNew(1));
  EXPECT_EQ(results_->CodeOf(1), absl::StatusCode::kDeadlineExceeded);
  EXPECT_GE(world_->CallerNow() - start, milliseconds(100));
  // The request ran all the same, and its answer comes too late for anybody.
  ASSERT_TRUE(world_->AwaitTrue([this] { return held_.count == 1; }));
  world_->OnCalleeLoop([this] { held_.held[0].second(ReadReply{.found = true}); });
  handler_->Use(Echo);
  Call(2);
  ASSERT_TRUE(AwaitNew(2));
  world_->Pass(milliseconds(50));
  EXPECT_EQ(results_->CodeOf(1), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(NewResults(), 2u);
}

TEST_F(TransportContractTest, ADeadlineThatIsOverFailsTheCallButNotInsideIt) {
  ASSERT_TRUE(Connect());
  Call(1, milliseconds(-5));
  ASSERT_TRUE(AwaitNew(1));
  EXPECT_EQ(results_->CodeOf(1), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(TransportContractTest, AnUnknownMemberIsUnavailable) {
  CallTo(world_->stranger(), 1, ReadOf("k"), seconds(10));
  ASSERT_TRUE(AwaitNew(1));
  EXPECT_EQ(results_->CodeOf(1), absl::StatusCode::kUnavailable);
}

TEST_F(TransportContractTest, ABrokenConnectionFailsWhatIsOnItAtOnceAndConnectsAgain) {
  constexpr int kCalls = 20;
  ASSERT_TRUE(Connect());
  handler_->Use(held_.Script());
  for (int i = 0; i < kCalls; ++i) Call(i, seconds(3600));
  ASSERT_TRUE(world_->AwaitTrue([this] { return held_.count == kCalls; }));
  world_->BreakConnection();
  ASSERT_TRUE(AwaitNew(kCalls));
  for (int i = 0; i < kCalls; ++i) EXPECT_EQ(results_->CodeOf(i), absl::StatusCode::kUnavailable);
  // Answers of before the break belong to nobody, whatever is called meanwhile.
  world_->OnCalleeLoop([this] {
    for (auto& [key, reply] : held_.held) reply(ReadReply{.found = true, .object = "stale"});
  });
  EXPECT_EQ(NewResults(), static_cast<size_t>(kCalls));
  ASSERT_TRUE(Connect());
  for (int i = 0; i < kCalls; ++i) EXPECT_EQ(results_->CodeOf(i), absl::StatusCode::kUnavailable);
}

TEST_F(TransportContractTest, APeerThatEndsFailsWhatItOwesAndWhatComesLater) {
  ASSERT_TRUE(Connect());
  handler_->Use(held_.Script());
  Call(1, seconds(3600));
  ASSERT_TRUE(world_->AwaitTrue([this] { return held_.count == 1; }));
  world_->StopCallee();
  ASSERT_TRUE(AwaitNew(1));
  EXPECT_EQ(results_->CodeOf(1), absl::StatusCode::kUnavailable);
  Call(2, seconds(3));
  ASSERT_TRUE(AwaitNew(2));
  EXPECT_THAT(results_->CodeOf(2),
              ::testing::AnyOf(absl::StatusCode::kUnavailable, absl::StatusCode::kDeadlineExceeded));
  held_.held.clear();
}

TEST_F(TransportContractTest, AFullQueueToAPeerRefusesWithoutSending) {
  world_.reset();
  StartWorld({.calls_max = 4});
  ASSERT_TRUE(Connect());
  handler_->Use(held_.Script());
  const size_t before = handler_->received().size();
  for (int i = 0; i < 6; ++i) Call(i);
  ASSERT_TRUE(AwaitNew(2));
  EXPECT_EQ(results_->CodeOf(4), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(results_->CodeOf(5), absl::StatusCode::kResourceExhausted);
  ASSERT_TRUE(world_->AwaitTrue([this] { return held_.count == 4; }));
  world_->OnCalleeLoop([this] {
    for (auto& [key, reply] : held_.held) reply(ReadReply{});
  });
  ASSERT_TRUE(AwaitNew(6));
  // The queue has room again.
  handler_->Use(Echo);
  Call(6);
  ASSERT_TRUE(AwaitNew(7));
  EXPECT_TRUE(results_->Of(6).ok());
  EXPECT_EQ(handler_->received().size(), before + 5);
}

}  // namespace
}  // namespace henge::contract
