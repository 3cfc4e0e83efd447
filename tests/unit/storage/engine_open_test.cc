// What an open refuses, and that a refusal changes nothing (P36, H41, H44).
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
using ::testing::IsEmpty;

std::string Text(const absl::Status& status) { return std::string(status.message()); }

// Every file of the data directory with its bytes.
std::map<std::string, std::string> Snapshot(const SimStore& store) {
  std::map<std::string, std::string> files;
  for (const std::string& directory : {store.options.data_dir, store.options.data_dir + "/data"}) {
    for (const std::string& name : store.files->Children(directory)) {
      const std::string* bytes = store.files->Bytes(absl::StrCat(directory, "/", name));
      if (bytes != nullptr && name != "LOCK") files[absl::StrCat(directory, "/", name)] = *bytes;
    }
  }
  return files;
}

// Opens, expects `code`, and that no byte of what was there has changed; returns the message.
std::string ExpectRefusal(SimStore* store, absl::StatusCode code) {
  std::map<std::string, std::string> before = Snapshot(*store);
  absl::Status status = store->Open();
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_EQ(store->engine, nullptr);
  EXPECT_THAT(store->fatal, IsEmpty()) << "a failed open is answered, not reported";
  std::map<std::string, std::string> after = Snapshot(*store);
  for (const auto& [path, bytes] : before) EXPECT_EQ(after[path], bytes) << path << " has changed";
  EXPECT_EQ(after.size(), before.size());
  absl::Status again = store->Open();
  EXPECT_EQ(again, status) << "a second try finds the same";
  return Text(status);
}

TEST(StoreOpenTest, ASecondOpenerIsRefused) {
  SimStore store;
  ASSERT_TRUE(store.Open().ok());
  absl::StatusOr<std::unique_ptr<StoreEngine>> second =
      OpenStoreEngine(store.options, store.workers, store.tracer, nullptr);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Text(second.status()), HasSubstr("in use by another process"));
  EXPECT_TRUE(store.Put("a", "1").ok()) << "the first one is unharmed";
  store.Close();
  EXPECT_TRUE(store.Open().ok());
}

TEST(StoreOpenTest, ANewerFormatIsRefused) {
  SimStore store;
  ASSERT_TRUE(store.Open().ok());
  store.Close();
  ASSERT_TRUE(
      rocksdb::WriteStringToFile(store.files.get(), "henge-store 2\n", store.options.data_dir + "/FORMAT", true).ok());
  EXPECT_THAT(ExpectRefusal(&store, absl::StatusCode::kFailedPrecondition), HasSubstr("has store format 2"));
}

TEST(StoreOpenTest, AnUnreadableOrMissingFormatIsRefused) {
  SimStore store;
  ASSERT_TRUE(store.Open().ok());
  store.Close();
  std::string format = store.options.data_dir + "/FORMAT";
  ASSERT_TRUE(rocksdb::WriteStringToFile(store.files.get(), "hange-store 1\n", format, true).ok());
  EXPECT_THAT(ExpectRefusal(&store, absl::StatusCode::kDataLoss), HasSubstr("FORMAT is unreadable"));
  ASSERT_TRUE(store.files->DeleteFile(format, rocksdb::IOOptions(), nullptr).ok());
  EXPECT_THAT(ExpectRefusal(&store, absl::StatusCode::kDataLoss), HasSubstr("FORMAT file is missing"));
}

TEST(StoreOpenTest, AnUnwritableDirectoryIsRefused) {
  SimStore store;
  store.plan = [](const SimIo& io) {
    return io.kind == SimIoKind::kMakeDirectory || io.kind == SimIoKind::kLock ? SimFault::kDenied : SimFault::kNone;
  };
  absl::Status status = store.Open();
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied) << status;
  EXPECT_THAT(Text(status), HasSubstr("give it to the user that henged runs as"));
}

TEST(StoreOpenTest, AFullDiskIsRefused) {
  SimStore store;
  store.files->SetCapacity(0);
  absl::Status status = store.Open();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_THAT(Text(status), HasSubstr("free some"));
}

TEST(StoreOpenTest, WhateverFailsDuringTheFirstOpenTheNextOneSucceeds) {
  uint64_t failures = 0;
  for (uint64_t index = 0;; ++index) {
    SimStore store;
    store.plan = [index](const SimIo& io) { return io.index == index ? SimFault::kError : SimFault::kNone; };
    absl::Status first = store.Open();
    if (store.files->operations() <= index) break;
    failures += first.ok() ? 0 : 1;
    store.Close();
    store.plan = nullptr;
    absl::Status second = store.Open();
    ASSERT_TRUE(second.ok()) << "operation " << index << ": " << first << "; then " << second;
    ASSERT_TRUE(store.Put("a", "1").ok());
  }
  EXPECT_GT(failures, 20);
}

// H41: a flipped byte in the middle of the log refuses, for acknowledged writes stand behind it.
TEST(StoreOpenTest, DamageInTheMiddleOfTheLogIsRefused) {
  SimStore store;
  store.options.write_buffer_bytes = size_t{8} << 20;
  ASSERT_TRUE(store.Open().ok());
  // Records of many blocks of the log: something is said of each block that comes after the damage.
  const std::string value(size_t{1} << 20, 'v');
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(store.Put(absl::StrCat("key", i), value).ok());
  store.Crash(1);
  std::vector<std::string> logs = store.Files(".log");
  ASSERT_EQ(logs.size(), 1);
  const uint64_t middle = store.files->Bytes(logs[0])->size() / 2;
  ASSERT_TRUE(store.files->FlipBit(logs[0], middle, 3));
  std::string text = ExpectRefusal(&store, absl::StatusCode::kDataLoss);
  EXPECT_THAT(text, HasSubstr(logs[0].substr(logs[0].rfind('/') + 1))) << "it names the file";
  EXPECT_THAT(text, HasSubstr("nothing was changed"));
  EXPECT_THAT(text, HasSubstr("wipe this node's data directory"));
  EXPECT_LT(text.size(), 600u) << text;
  store.files->FlipBit(logs[0], middle, 3);
  ASSERT_TRUE(store.Open().ok()) << "repaired, it opens";
  EXPECT_EQ(store.Get("key2"), value);
}

// A disk that forgets what it had confirmed: the log alone would look like one that was never longer.
TEST(StoreOpenTest, ALogThatLostItsSyncedTailIsRefused) {
  SimStore store;
  ASSERT_TRUE(store.Open().ok());
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(store.Put(absl::StrCat("key", i), "value").ok());
  std::vector<std::string> logs = store.Files(".log");
  uint64_t size = store.files->Bytes(logs.at(0))->size();
  ASSERT_TRUE(store.Put("last", "value").ok());
  store.Kill();
  ASSERT_TRUE(store.files->TruncateFile(logs[0], size));
  std::string text = ExpectRefusal(&store, absl::StatusCode::kDataLoss);
  EXPECT_THAT(text, HasSubstr("lost the end of its log: it ends at write 11, but write 12 had been synced"));
  EXPECT_THAT(text, HasSubstr("wipe this node's data directory"));
}

TEST(StoreOpenTest, ALostDatabaseUnderAKnownNodeIsRefused) {
  SimStore store;
  ASSERT_TRUE(store.Open().ok());
  ASSERT_TRUE(store.Put("a", "1").ok());
  store.Close();
  std::string data = store.options.data_dir + "/data";
  for (const std::string& name : store.files->Children(data)) {
    ASSERT_TRUE(store.files->DeleteFile(absl::StrCat(data, "/", name), rocksdb::IOOptions(), nullptr).ok());
  }
  EXPECT_THAT(ExpectRefusal(&store, absl::StatusCode::kDataLoss), HasSubstr("it ends at write 0"));
  store.files->Wipe();
  EXPECT_TRUE(store.Open().ok()) << "wiped altogether, it is a new node";
  EXPECT_EQ(store.Get("a"), "(absent)");
}

// The other side of the tail: what was never synced may be torn, and is no damage.
TEST(StoreOpenTest, ATornUnsyncedTailIsTolerated) {
  int torn = 0;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    SimStore store(seed);
    ASSERT_TRUE(store.Open().ok());
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(store.Put(absl::StrCat("key", i), "value").ok());
    std::string log = store.Files(".log").at(0);
    uint64_t synced_size = store.files->Bytes(log)->size();
    store.plan = [](const SimIo& io) {
      return io.kind == SimIoKind::kSync && io.path.ends_with(".log") ? SimFault::kCrash : SimFault::kNone;
    };
    ASSERT_FALSE(store.Put("torn", std::string(200, 't')).ok());
    store.plan = nullptr;
    uint64_t full_size = store.files->Bytes(log)->size();
    store.Crash(seed);
    uint64_t size = store.files->Bytes(log)->size();
    torn += size > synced_size && size < full_size ? 1 : 0;
    ASSERT_TRUE(store.Open().ok()) << "seed " << seed;
    for (int i = 0; i < 5; ++i) EXPECT_EQ(store.Get(absl::StrCat("key", i)), "value");
    EXPECT_EQ(store.Get("torn"), size == full_size ? std::string(200, 't') : "(absent)");
  }
  EXPECT_GT(torn, 5) << "the case must occur";
}

// P36: an open serves nothing that it recovered from an unsynced log before it has synced it.
TEST(StoreOpenTest, WhatAnOpenRecoveredIsDurable) {
  int recovered = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    SimStore store(seed);
    ASSERT_TRUE(store.Open().ok());
    // Written and not synced: the process dies, the page cache stays.
    store.plan = [](const SimIo& io) {
      return io.kind == SimIoKind::kSync && io.path.ends_with(".log") ? SimFault::kCrash : SimFault::kNone;
    };
    ASSERT_FALSE(store.Put("a", "unsynced").ok());
    store.plan = nullptr;
    store.Kill();
    ASSERT_TRUE(store.Open().ok());
    std::string seen = store.Get("a");
    recovered += seen == "unsynced" ? 1 : 0;
    store.Crash(seed);
    ASSERT_TRUE(store.Open().ok());
    EXPECT_EQ(store.Get("a"), seen) << "what was served once stays, seed " << seed;
  }
  EXPECT_EQ(recovered, 40);
}

// H44: a broken record is an error and never "absent", and harms no other.
TEST(StoreOpenTest, AFlippedByteInATableHarmsItsKeysOnly) {
  SimStore store;
  ASSERT_TRUE(store.Open().ok());
  std::vector<CommitItem> items;
  items.reserve(400);
  for (int i = 0; i < 400; ++i)
    items.push_back(Item(absl::StrCat("key", i), absl::StrCat("value", i, std::string(100, '.'))));
  ASSERT_TRUE(store.Commit(std::move(items)).ok());
  store.Close();
  ASSERT_TRUE(store.Open().ok());
  store.Close();
  std::vector<std::string> tables = store.Files(".sst");
  ASSERT_EQ(tables.size(), 1);
  ASSERT_TRUE(store.files->FlipBit(tables[0], store.files->Bytes(tables[0])->size() / 3, 0));
  ASSERT_TRUE(store.Open().ok());
  int broken = 0;
  for (int i = 0; i < 400; ++i) {
    std::string got = store.Get(absl::StrCat("key", i));
    if (got == "DATA_LOSS") {
      ++broken;
    } else {
      EXPECT_EQ(got, absl::StrCat("value", i, std::string(100, '.')));
    }
  }
  EXPECT_GT(broken, 0);
  EXPECT_LT(broken, 200) << "one block of several";
  EXPECT_EQ(store.engine->figures().quarantined, broken);
  EXPECT_EQ(store.tracer.Count("RecordBroken"), broken);
  EXPECT_TRUE(store.engine->health().ok());
  EXPECT_TRUE(store.Put("key0", "new").ok());
  EXPECT_EQ(store.Get("key0"), "new");
}

TEST(StoreOpenTest, DamagedMetadataSaysWhatToDo) {
  SimStore store;
  ASSERT_TRUE(store.Open().ok());
  ASSERT_TRUE(store.engine->WriteMeta("note", "text").ok());
  store.Close();
  ASSERT_TRUE(store.Open().ok());
  store.Close();
  const std::vector<std::string> tables = store.Files(".sst");
  ASSERT_EQ(tables.size(), 1);
  ASSERT_TRUE(store.files->FlipBit(tables[0], 10, 0));
  const absl::Status opened = store.Open();
  EXPECT_EQ(opened.code(), absl::StatusCode::kDataLoss);
  const std::string text = Text(opened);
  EXPECT_THAT(text, HasSubstr("the store's metadata"));
  EXPECT_THAT(text, HasSubstr("wipe this node's data directory"));
}

}  // namespace
}  // namespace henge::storage_test
