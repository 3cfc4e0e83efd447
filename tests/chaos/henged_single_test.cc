// A single node with no configuration to speak of.
#include <signal.h>

#include <chrono>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/chaos/henged_process.h"
#include "tests/chaos/raw_client.h"
#include "tests/free_address.h"

namespace henge::chaos {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> SingleFlags(const TempDir& scratch) {
  return {"--data-dir=" + (scratch / "data"), "--client-listen=" + FreeAddress(), "--peer-listen=" + FreeAddress()};
}

TEST(HengedSingle, KeepsWhatItWasGivenOverARestart) {
  TempDir scratch;
  std::string context;
  {
    HengedProcess henged(scratch, SingleFlags(scratch));
    ASSERT_TRUE(henged.AwaitReady()) << henged.Stderr();
    RawClient client(henged.client_address());
    const auto put = client.Put("greeting", "hello");
    ASSERT_TRUE(put.ok()) << put.status.error_message();
    EXPECT_EQ(put.reply.facts().durable(), 1u);
    const auto get = client.Get("greeting");
    ASSERT_TRUE(get.ok()) << get.status.error_message();
    EXPECT_THAT(get.reply.values(), ElementsAre("hello"));
    context = get.reply.context();
    henged.Signal(SIGTERM);
    const auto exit = henged.AwaitExit();
    ASSERT_TRUE(exit.has_value());
    EXPECT_EQ(exit->code, 0) << henged.Stderr();
    EXPECT_THAT(henged.Stderr(), HasSubstr("henge --endpoint " + henged.client_address()));
  }
  // Other ports are no other cluster: contexts and data still hold.
  HengedProcess again(scratch, SingleFlags(scratch));
  ASSERT_TRUE(again.AwaitReady()) << again.Stderr();
  RawClient client(again.client_address());
  EXPECT_THAT(client.Get("greeting").reply.values(), ElementsAre("hello"));
  const auto put = client.Put("greeting", "hello again", context);
  ASSERT_TRUE(put.ok()) << put.status.error_message();
  EXPECT_THAT(client.Get("greeting").reply.values(), ElementsAre("hello again"));
}

TEST(HengedSingle, SurvivesSigkillWithEveryAcknowledgedWrite) {
  TempDir scratch;
  constexpr int kKeys = 50;
  {
    HengedProcess henged(scratch, SingleFlags(scratch));
    ASSERT_TRUE(henged.AwaitReady()) << henged.Stderr();
    RawClient client(henged.client_address());
    for (int i = 0; i < kKeys; ++i) ASSERT_TRUE(client.Put("k" + std::to_string(i), "v").ok());
    henged.Kill();
  }
  HengedProcess again(scratch, SingleFlags(scratch));
  ASSERT_TRUE(again.AwaitReady()) << again.Stderr();
  RawClient client(again.client_address());
  for (int i = 0; i < kKeys; ++i) EXPECT_THAT(client.Get("k" + std::to_string(i)).reply.values(), ElementsAre("v"));
}

TEST(HengedSingle, AnswersHealthByService) {
  TempDir scratch;
  HengedProcess henged(scratch, SingleFlags(scratch));
  ASSERT_TRUE(henged.AwaitReady()) << henged.Stderr();
  RawClient client(henged.client_address());
  EXPECT_EQ(client.Health(""), "SERVING");
  EXPECT_EQ(client.Health("henge.v1.Kv"), "SERVING");
  EXPECT_EQ(client.Health("henge.v1.Nonsense"), "SERVICE_UNKNOWN");
}

TEST(HengedSingle, ExplainAndScanShowWhatThereIs) {
  TempDir scratch;
  HengedProcess henged(scratch, SingleFlags(scratch));
  ASSERT_TRUE(henged.AwaitReady()) << henged.Stderr();
  RawClient client(henged.client_address());
  constexpr int kKeys = 40;
  for (int i = 0; i < kKeys; ++i) ASSERT_TRUE(client.Put("k" + std::to_string(i), std::string(100, 'v')).ok());
  ASSERT_TRUE(client.Delete("k0", client.Get("k0").reply.context()).ok());

  v1::ExplainRequest explain;
  explain.set_key("k1");
  v1::ExplainReply explained;
  grpc::ClientContext explain_context;
  ASSERT_TRUE(client.admin().Explain(&explain_context, explain, &explained).ok());
  EXPECT_EQ(explained.code(), 0u) << explained.message();
  EXPECT_TRUE(explained.replicas_equal());
  ASSERT_EQ(explained.replicas_size(), 1);
  ASSERT_EQ(explained.replicas(0).siblings_size(), 1);
  EXPECT_EQ(explained.replicas(0).siblings(0).value_bytes(), 100u);
  EXPECT_EQ(explained.replicas(0).siblings(0).coordinator(), "n1");

  std::set<std::string> keys;
  v1::ScanPageRequest request;
  request.set_bytes_max(1000);
  int pages = 0;
  for (bool done = false; !done; ++pages) {
    ASSERT_LT(pages, 1000);
    v1::ScanPageReply page;
    grpc::ClientContext context;
    ASSERT_TRUE(client.kv().Scan(&context, request, &page).ok());
    ASSERT_EQ(page.code(), 0u) << page.message();
    for (const v1::ScanEntry& entry : page.entries()) EXPECT_TRUE(keys.insert(entry.key()).second);
    request.set_cursor(page.cursor());
    done = page.done();
  }
  EXPECT_EQ(keys.size(), static_cast<size_t>(kKeys - 1));
  EXPECT_FALSE(keys.contains("k0"));
  EXPECT_GT(pages, 2);
}

// The drain: health goes first, the request under way is answered, the exit status is 0.
TEST(HengedSingle, SigtermUnderLoadLosesNoAnswer) {
  TempDir scratch;
  HengedProcess henged(scratch, SingleFlags(scratch));
  ASSERT_TRUE(henged.AwaitReady()) << henged.Stderr();
  std::atomic<bool> stop = false;
  std::atomic<int> acked = 0;
  std::atomic<int> refused = 0;
  std::vector<std::thread> writers;
  for (int w = 0; w < 4; ++w) {
    writers.emplace_back([&, w] {
      RawClient client(henged.client_address());
      for (int i = 0; !stop; ++i) {
        const auto put = client.Put("w" + std::to_string(w) + "-" + std::to_string(i), "v");
        if (put.ok()) {
          ++acked;
          continue;
        }
        ++refused;
        EXPECT_EQ(put.status.error_code(), grpc::StatusCode::UNAVAILABLE) << put.status.error_message();
        return;
      }
    });
  }
  while (acked < 100) std::this_thread::yield();
  henged.Signal(SIGTERM);
  const auto exit = henged.AwaitExit();
  stop = true;
  for (std::thread& writer : writers) writer.join();
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->code, 0) << henged.Stderr();
  EXPECT_EQ(refused, 4);
}

}  // namespace
}  // namespace henge::chaos
