#include "node/scan_coordinator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/node_whole/fake_replica_caller.h"

namespace henge {
namespace {

using ::testing::HasSubstr;
using namespace coordinator_test;
using node_test::FakeReplicaCaller;

class ScanTest : public ::testing::Test {
 protected:
  void PutAll(const std::string& key, const Object& object) {
    for (uint32_t m = 1; m <= 3; ++m) replicas_.Put(MemberId(m), key, object);
  }

  absl::StatusOr<ScanResultPage> Page(ScanQuery query) {
    std::optional<absl::StatusOr<ScanResultPage>> result;
    scans_.Run(std::move(query), [&result](absl::StatusOr<ScanResultPage> page) { result = std::move(page); });
    loop_.Run();
    EXPECT_TRUE(result.has_value());
    return result.has_value() ? *std::move(result) : absl::InternalError("no answer");
  }

  // All pages from the start; the keys and their values, each once.
  std::map<std::string, std::vector<std::string>> Everything(ScanQuery query) {
    std::map<std::string, std::vector<std::string>> all;
    for (bool done = false; !done;) {
      auto page = Page(query);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) return all;
      for (ScanRecord& record : page->records) {
        EXPECT_TRUE(all.emplace(record.key, record.values).second) << "twice: " << record.key;
      }
      query.cursor = page->cursor;
      done = page->done;
      ++pages_;
    }
    return all;
  }

  ManualClock clock_;
  ManualLoop loop_{clock_};
  FakeReplicaCaller replicas_{loop_};
  RingPtr ring_ = MakeRing(3);
  ScanCoordinator scans_{ScanSettings{}, MemberId(1), clock_, replicas_, ring_};
  int pages_ = 0;
};

TEST_F(ScanTest, AnEmptyClusterIsOnePage) {
  EXPECT_TRUE(Everything({}).empty());
  EXPECT_EQ(pages_, 1);
}

TEST_F(ScanTest, EveryLiveRecordComesOnceInPages) {
  for (int i = 0; i < 200; ++i) PutAll("key" + std::to_string(i), MakeObject({{1, 1, "v" + std::to_string(i)}}));
  for (int i = 0; i < 20; ++i) PutAll("{one}" + std::to_string(i), MakeObject({{1, 1, "v"}}));
  ScanQuery query;
  query.bytes_max = 500;
  const auto all = Everything(query);
  EXPECT_EQ(all.size(), 220u);
  EXPECT_EQ(all.at("key7"), std::vector<std::string>{"v7"});
  EXPECT_GT(pages_, 10);
}

TEST_F(ScanTest, WhatIsDeletedExpiredOrElsewhereIsNotShown) {
  PutAll("dead", MakeObject({{1, 1, "", true}}));
  PutAll("late", MakeObject({{1, 1, "v", false, clock_.wall.time_since_epoch().count() - 1}}));
  PutAll("alive", MakeObject({{1, 1, "v", false, clock_.wall.time_since_epoch().count() + 1000}}));
  for (uint32_t m = 1; m <= 3; ++m) replicas_.Put(MemberId(m), "other", MakeObject({{1, 1, "v"}}), BucketId(2));
  PutAll("prefixed", MakeObject({{1, 1, "v"}}));
  EXPECT_EQ(Everything({}).size(), 2u);
  ScanQuery query;
  query.prefix = "pre";
  const auto all = Everything(query);
  EXPECT_EQ(all.size(), 1u);
  EXPECT_TRUE(all.contains("prefixed"));
}

TEST_F(ScanTest, AMajorityOfOwnersIsMerged) {
  replicas_.Put(MemberId(2), "half", MakeObject({{1, 1, "left"}}));
  replicas_.Put(MemberId(3), "half", MakeObject({{2, 1, "right"}}));
  ScanQuery all;
  all.has_quorum = true;
  all.quorum = 3;
  EXPECT_EQ(Everything(all).at("half").size(), 2u);
}

TEST_F(ScanTest, ADeadOwnerIsReplacedByAnother) {
  PutAll("k", MakeObject({{1, 1, "v"}}));
  replicas_.down.insert(MemberId(2));
  EXPECT_EQ(Everything({}).size(), 1u);
  replicas_.down.insert(MemberId(3));
  const auto page = Page({});
  EXPECT_EQ(page.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(page.status().message(), HasSubstr("1 of 2 needed owners"));
  EXPECT_THAT(page.status().message(), HasSubstr("down"));
}

TEST_F(ScanTest, BadQueriesAreRefused) {
  ScanQuery query;
  query.bucket = "nonsense";
  EXPECT_EQ(Page(query).status().code(), absl::StatusCode::kNotFound);
  query.bucket = "default";
  query.cursor = "nonsense";
  EXPECT_EQ(Page(query).status().code(), absl::StatusCode::kInvalidArgument);
  query.cursor = "";
  query.has_quorum = true;
  query.quorum = 0;
  EXPECT_EQ(Page(query).status().code(), absl::StatusCode::kInvalidArgument);
  query.quorum = 4;
  EXPECT_EQ(Page(query).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ScanTest, MoreScansThanAllowedAreRefusedAtOnce) {
  int answered = 0;
  for (int i = 0; i < ScanSettings{}.scans_max; ++i) {
    scans_.Run({}, [&answered](absl::StatusOr<ScanResultPage>) { ++answered; });
  }
  std::optional<absl::Status> refused;
  scans_.Run({}, [&refused](absl::StatusOr<ScanResultPage> page) { refused = page.status(); });
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->code(), absl::StatusCode::kResourceExhausted);
  loop_.Run();
  EXPECT_EQ(answered, ScanSettings{}.scans_max);
  EXPECT_TRUE(Page({}).ok());
}

TEST_F(ScanTest, DrainWaitsForTheScansUnderWay) {
  bool answered = false;
  bool idle = false;
  scans_.Run({}, [&answered](absl::StatusOr<ScanResultPage> page) { answered = page.ok(); });
  scans_.Drain([&] {
    EXPECT_TRUE(answered);
    idle = true;
  });
  EXPECT_FALSE(idle);
  loop_.Run();
  EXPECT_TRUE(idle);
  EXPECT_EQ(Page({}).status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace henge
