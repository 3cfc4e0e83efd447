// Failures while it serves (P36, P37): the first failed sync or background error is final.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/unit/storage/test_support.h"

namespace henge::storage_test {
namespace {

using sim::SimFault;
using sim::SimIo;
using sim::SimIoKind;
using ::testing::HasSubstr;

class StoreFailureTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(store.Open().ok()); }

  // Fails the first operation of `kind` on a file with this ending; all later ones work.
  void FailOnce(SimIoKind kind, std::string ending, SimFault fault) {
    store.plan = [this, kind, ending, fault](const SimIo& io) {
      if (failed || io.kind != kind || !io.path.ends_with(ending)) return SimFault::kNone;
      failed = true;
      return fault;
    };
  }

  // Writes until the store fails; returns the keys that were acknowledged.
  std::vector<std::string> WriteUntilFailure() {
    std::vector<std::string> acked;
    for (int i = 0; i < 5000; ++i) {
      std::string key = absl::StrCat("key", i);
      if (!store.Put(key, std::string(100, 'v')).ok()) return acked;
      acked.push_back(key);
    }
    ADD_FAILURE() << "the store did not fail";
    return acked;
  }

  void ExpectFailedForGood() {
    EXPECT_TRUE(failed);
    ASSERT_EQ(store.fatal.size(), 1) << "reported once";
    EXPECT_EQ(store.engine->health(), store.fatal[0]);
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(store.Put("later", "v"), store.fatal[0]);
      store.now_micros += 60'000'000;
      store.Settle();
    }
    EXPECT_EQ(store.engine->WriteMeta("later", "v"), store.fatal[0]);
    EXPECT_EQ(store.fatal.size(), 1);
    EXPECT_EQ(store.tracer.Count("StoreFailed"), 1);
  }

  void ExpectAllThereAfterRestart(const std::vector<std::string>& acked) {
    store.plan = nullptr;
    store.Crash(1);
    ASSERT_TRUE(store.Open().ok());
    for (const std::string& key : acked) ASSERT_EQ(store.Get(key), std::string(100, 'v')) << key;
    EXPECT_TRUE(store.Put("again", "v").ok());
  }

  SimStore store;
  bool failed = false;
};

// H42: the retry of a failed sync would "succeed" on clean pages.
TEST_F(StoreFailureTest, AFailedSyncOfTheLogIsFinal) {
  ASSERT_TRUE(store.Put("a", std::string(100, 'v')).ok());
  FailOnce(SimIoKind::kSync, ".log", SimFault::kError);
  EXPECT_FALSE(store.Put("b", "v").ok());
  ExpectFailedForGood();
  EXPECT_THAT(std::string(store.fatal[0].message()), HasSubstr("can't write its log: IO error"));
  ExpectAllThereAfterRestart({"a"});
}

TEST_F(StoreFailureTest, AFailedWriteOfTheLogIsFinal) {
  FailOnce(SimIoKind::kWrite, ".log", SimFault::kError);
  EXPECT_FALSE(store.Put("b", "v").ok());
  ExpectFailedForGood();
  ExpectAllThereAfterRestart({});
}

TEST_F(StoreFailureTest, AFailedMetadataWriteIsFinalToo) {
  FailOnce(SimIoKind::kSync, ".log", SimFault::kError);
  EXPECT_FALSE(store.engine->WriteMeta("x", "y").ok());
  ExpectFailedForGood();
}

TEST_F(StoreFailureTest, AFailedFlushIsFinal) {
  for (SimIoKind kind : {SimIoKind::kCreate, SimIoKind::kWrite, SimIoKind::kSync}) {
    SimStore fresh;
    store.Close();
    store.files->Wipe();
    store.fatal.clear();
    store.tracer.events.clear();
    failed = false;
    store.plan = nullptr;
    ASSERT_TRUE(store.Open().ok());
    FailOnce(kind, ".sst", SimFault::kError);
    std::vector<std::string> acked = WriteUntilFailure();
    EXPECT_GT(acked.size(), 100);
    ExpectFailedForGood();
    EXPECT_THAT(std::string(store.fatal[0].message()), HasSubstr("can't flush to a table"));
    ExpectAllThereAfterRestart(acked);
  }
}

TEST_F(StoreFailureTest, AFailedManifestWriteIsFinal) {
  FailOnce(SimIoKind::kSync, "MANIFEST-000005", SimFault::kError);
  std::vector<std::string> acked = WriteUntilFailure();
  ExpectFailedForGood();
  ExpectAllThereAfterRestart(acked);
}

TEST_F(StoreFailureTest, AFullDiskUnderTheLogIsFinalAndLosesNothing) {
  store.files->SetCapacity(100'000);
  std::vector<std::string> acked = WriteUntilFailure();
  failed = true;
  EXPECT_GT(acked.size(), 100);
  EXPECT_EQ(store.engine->health().code(), absl::StatusCode::kResourceExhausted);
  ExpectFailedForGood();
  store.files->SetCapacity(uint64_t{1} << 30);
  ExpectAllThereAfterRestart(acked);
}

TEST_F(StoreFailureTest, AFullDiskUnderAFlushIsNotRecoveredFrom) {
  FailOnce(SimIoKind::kWrite, ".sst", SimFault::kNoSpace);
  std::vector<std::string> acked = WriteUntilFailure();
  ExpectFailedForGood();
  ExpectAllThereAfterRestart(acked);
}

// P37: the classes follow the disk, looked at by a worker, and a refusal ends by itself.
TEST_F(StoreFailureTest, DiskClassesFollowTheFreeSpace) {
  uint64_t free_bytes = 0;
  auto look = [&] {
    store.now_micros += 1'000'000;
    store.engine->disk_class();  // asks for a look
    store.Settle();
    return store.engine->disk_class();
  };
  EXPECT_EQ(store.engine->disk_class(), DiskClass::kPlenty);
  ASSERT_TRUE(store.env.GetFileSystem()->GetFreeSpace("/", rocksdb::IOOptions(), &free_bytes, nullptr).ok());
  uint64_t used = (uint64_t{1} << 40) - free_bytes;
  store.files->SetCapacity(used + (uint64_t{100} << 20));
  EXPECT_EQ(store.engine->disk_class(), DiskClass::kPlenty) << "no look on the loop";
  EXPECT_EQ(look(), DiskClass::kControlOnly);
  store.files->SetCapacity(used + (uint64_t{10} << 20));
  EXPECT_EQ(look(), DiskClass::kFull);
  EXPECT_TRUE(store.Put("a", "v").ok()) << "refusing is the caller's; what reaches the engine is written";
  store.files->SetCapacity(uint64_t{1} << 40);
  EXPECT_EQ(look(), DiskClass::kPlenty);
  EXPECT_EQ(store.tracer.Count("DiskClassChanged"), 3);
}

TEST_F(StoreFailureTest, CommitsLookAtTheDiskToo) {
  store.files->SetCapacity(uint64_t{100} << 20);
  store.now_micros += 1'000'000;
  ASSERT_TRUE(store.Put("a", "v").ok());
  EXPECT_EQ(store.engine->disk_class(), DiskClass::kControlOnly);
}

TEST_F(StoreFailureTest, AReadErrorIsAnErrorAndHarmsNothingElse) {
  ASSERT_TRUE(store.Put("a", "v").ok());
  for (int i = 0; i < 2; ++i) {
    store.Close();
    ASSERT_TRUE(store.Open().ok());
  }
  store.plan = [](const SimIo& io) {
    return io.kind == SimIoKind::kRead && io.path.ends_with(".sst") ? SimFault::kError : SimFault::kNone;
  };
  EXPECT_EQ(store.Get("a"), "INTERNAL");
  store.plan = nullptr;
  EXPECT_EQ(store.Get("a"), "v");
  EXPECT_TRUE(store.engine->health().ok());
}

}  // namespace
}  // namespace henge::storage_test
