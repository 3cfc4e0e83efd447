// Ending a client, from wherever its last copy goes away.
#include <gmock/gmock.h>

#include <atomic>
#include <optional>
#include <thread>

#include "henge/client.h"
#include "tests/unit/client/fake_node.h"

namespace henge {
namespace {

TEST(ClientTeardownTest, CallsUnderWayEndCancelledBeforeTheDestructorReturns) {
  FakeCluster cluster(2);
  cluster.OnRequest([](const v1::Request&) { return std::nullopt; });
  std::atomic<int> cancelled{0};
  {
    Client client = *Client::Connect(cluster.endpoints());
    for (int i = 0; i < 100; ++i) {
      client.PutAsync(absl::StrCat("k", i), "v", "", {}, [&](WriteResult write) {
        if (write.status.code() == absl::StatusCode::kCancelled && write.outcome == Outcome::kUnknown) ++cancelled;
      });
    }
  }
  EXPECT_EQ(cancelled, 100);
}

TEST(ClientTeardownTest, CallsThatWaitForTheirNextAttemptAreCancelledToo) {
  FakeCluster cluster(1, 1);
  cluster.OnRequest([](const v1::Request&) {
    v1::Reply busy = Failure(8, "full", v1::OUTCOME_NOT_APPLIED);
    busy.set_retry_after_ms(4000);
    return busy;
  });
  std::atomic<int> cancelled{0};
  {
    Client client = *Client::Connect(cluster.endpoints());
    for (int i = 0; i < 10; ++i) {
      client.GetAsync("k", {}, [&](absl::StatusOr<ReadResult> read) {
        if (read.status().code() == absl::StatusCode::kCancelled) ++cancelled;
      });
    }
    cluster.node(0).AwaitRequests(10);
  }
  EXPECT_EQ(cancelled, 10);
}

TEST(ClientTeardownTest, ACopyKeepsTheClientAlive) {
  FakeCluster cluster(1, 1);
  std::optional<Client> first = *Client::Connect(cluster.endpoints());
  Client second = *first;
  first.reset();
  EXPECT_TRUE(second.Get("k").ok());
}

TEST(ClientTeardownTest, TheLastCopyMayGoInsideACompletion) {
  FakeCluster cluster(1, 1);
  std::promise<void> gone;
  {
    auto client = std::make_shared<std::optional<Client>>(*Client::Connect(cluster.endpoints()));
    Client& started_on = **client;
    started_on.GetAsync("k", {}, [client, &gone](absl::StatusOr<ReadResult>) {
      client->reset();
      gone.set_value();
    });
  }
  gone.get_future().get();
}

TEST(ClientTeardownTest, ACompletionThatHoldsTheLastCopyEndsTheClientAfterIt) {
  FakeCluster cluster(1, 1);
  std::promise<void> done;
  {
    Client client = *Client::Connect(cluster.endpoints());
    client.GetAsync("k", {}, [client, &done](absl::StatusOr<ReadResult>) { done.set_value(); });
  }
  done.get_future().get();
}

TEST(ClientTeardownTest, ClientsComeAndGoWhileCallsRunAndNodesBreak) {
  FakeCluster cluster(3);
  std::atomic<bool> stop{false};
  std::thread breaker([&] {
    for (size_t i = 0; !stop; ++i) cluster.node(i % 3).BreakStreams();
  });
  std::atomic<int> completed{0};
  constexpr int kRounds = 20, kCalls = 50;
  for (int round = 0; round < kRounds; ++round) {
    auto client = Client::Connect(cluster.endpoints());
    ASSERT_TRUE(client.ok()) << client.status();
    for (int i = 0; i < kCalls; ++i) {
      client->GetAsync(absl::StrCat("k", i), {}, [&](absl::StatusOr<ReadResult>) { ++completed; });
    }
  }
  stop = true;
  breaker.join();
  EXPECT_EQ(completed, kRounds * kCalls);
}

TEST(ClientTeardownTest, SeveralIoThreadsEndTogether) {
  FakeCluster cluster(3);
  ClientOptions options;
  options.io_threads = 3;
  std::atomic<int> completed{0};
  {
    Client client = *Client::Connect(cluster.endpoints(), options);
    cluster.AwaitStreams();
    for (size_t i = 0; i < 3; ++i) EXPECT_TRUE(client.Get(cluster.KeyOwnedBy(i)).ok());
    cluster.OnRequest([](const v1::Request&) { return std::nullopt; });
    for (int i = 0; i < 60; ++i) {
      client.GetAsync(absl::StrCat("k", i), {}, [&](absl::StatusOr<ReadResult>) { ++completed; });
    }
  }
  EXPECT_EQ(completed, 60);
}

}  // namespace
}  // namespace henge
