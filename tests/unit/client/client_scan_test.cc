#include <gmock/gmock.h>

#include <atomic>

#include "henge/client.h"
#include "tests/unit/client/fake_node.h"

namespace henge {
namespace {

using testing::ElementsAre;

TEST(ClientScanTest, APageCarriesRecordsAndWhereToGoOn) {
  FakeCluster cluster(1, 1);
  v1::ScanPageRequest asked;
  cluster.node(0).OnScan([&](const v1::ScanPageRequest& request) {
    asked = request;
    v1::ScanPageReply reply;
    auto* entry = reply.add_entries();
    entry->set_key("k");
    entry->add_values("v1");
    entry->add_values("v2");
    entry->set_context("ctx");
    reply.set_cursor("there");
    reply.set_partitions_done(4096);
    return reply;
  });
  auto client = Client::Connect(cluster.endpoints());
  ScanOptions options;
  options.bucket = "carts";
  options.prefix = "k";
  options.page_bytes = 1000;
  auto page = client->Scan("here", options);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(asked.cursor(), "here");
  EXPECT_EQ(asked.bucket(), "carts");
  EXPECT_EQ(asked.prefix(), "k");
  EXPECT_EQ(asked.bytes_max(), 1000u);
  EXPECT_GT(asked.budget_us(), 0u);
  ASSERT_EQ(page->items.size(), 1u);
  EXPECT_EQ(page->items[0].key, "k");
  EXPECT_THAT(page->items[0].values, ElementsAre("v1", "v2"));
  EXPECT_EQ(page->items[0].context, "ctx");
  EXPECT_EQ(page->cursor, "there");
  EXPECT_FALSE(page->done);
  EXPECT_DOUBLE_EQ(page->progress, 0.25);
}

TEST(ClientScanTest, TheLastPageSaysSo) {
  FakeCluster cluster(1, 1);
  cluster.node(0).OnScan([](const v1::ScanPageRequest&) {
    v1::ScanPageReply reply;
    reply.set_done(true);
    return reply;
  });
  auto page = Client::Connect(cluster.endpoints())->Scan("");
  ASSERT_TRUE(page.ok());
  EXPECT_TRUE(page->done);
  EXPECT_DOUBLE_EQ(page->progress, 1.0);
}

TEST(ClientScanTest, ATransientFailureIsTriedAgainAndAnotherIsNot) {
  FakeCluster cluster(1, 1);
  std::atomic<int> pages{0};
  std::atomic<uint32_t> code{14};
  cluster.node(0).OnScan([&](const v1::ScanPageRequest&) {
    v1::ScanPageReply reply;
    if (pages++ == 0) reply.set_code(code);
    reply.set_message("no");
    return reply;
  });
  auto client = Client::Connect(cluster.endpoints());
  EXPECT_TRUE(client->Scan("").ok());
  EXPECT_EQ(pages, 2);
  pages = 0;
  code = 3;
  EXPECT_EQ(client->Scan("garbage").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(pages, 1);
}

}  // namespace
}  // namespace henge
