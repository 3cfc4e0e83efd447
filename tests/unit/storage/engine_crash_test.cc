// Power loss at every operation of a run: what was acknowledged is there afterwards, whatever else is lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/unit/storage/test_support.h"

namespace henge::storage_test {
namespace {

using sim::SimFault;
using sim::SimIo;

constexpr int kKeys = 40;

std::string ValueOf(int version) { return absl::StrCat("v", version, ":", std::string(1000 + version % 7 * 200, 'x')); }

int VersionOf(const std::string& value) { return value == "(absent)" ? 0 : std::stoi(value.substr(1)); }

// What the run has been told, per key: the last acknowledged version, and the last one handed in.
struct Knowledge {
  std::map<std::string, int> acked;
  std::map<std::string, int> tried;
};

// Writes until the machine stops: batches of several keys, several batches in flight, flushes and compactions between.
void RunScript(SimStore* store, Knowledge* known, int rounds) {
  int version = 0;
  for (int round = 0; round < rounds && !store->files->frozen(); ++round) {
    for (int batch = 0; batch < 3; ++batch) {
      std::vector<CommitItem> items;
      std::vector<std::pair<std::string, int>> written;
      for (int i = 0; i < 4; ++i) {
        std::string key = absl::StrCat("key", version * 7 % kKeys);
        ++version;
        items.push_back(Item(key, ValueOf(version)));
        written.emplace_back(key, version);
        known->tried[key] = version;
      }
      store->engine->Commit(std::move(items), store->loop,
                            [known, written](const absl::Status& status, const auto& /*items*/) {
                              if (!status.ok()) return;
                              for (const auto& [key, acked] : written) known->acked[key] = acked;
                            });
    }
    store->Settle();
  }
}

void ExpectAckedThere(SimStore* store, const Knowledge& known, const std::string& where) {
  for (int i = 0; i < kKeys; ++i) {
    std::string key = absl::StrCat("key", i);
    std::string value = store->Get(key);
    ASSERT_NE(value, "DATA_LOSS") << where;
    int found = VersionOf(value);
    int acked = known.acked.contains(key) ? known.acked.at(key) : 0;
    int tried = known.tried.contains(key) ? known.tried.at(key) : 0;
    ASSERT_GE(found, acked) << where << ": an acknowledged write of " << key << " is lost";
    ASSERT_LE(found, tried) << where;
    ASSERT_EQ(value, found > 0 ? ValueOf(found) : "(absent)") << where;
  }
}

uint64_t OperationsOfWholeRun(int rounds) {
  SimStore store;
  Knowledge known;
  EXPECT_TRUE(store.Open().ok());
  RunScript(&store, &known, rounds);
  EXPECT_EQ(known.acked.size(), kKeys);
  EXPECT_GT(store.Count(sim::SimIoKind::kCreate, ".sst"), 3) << "flushes are part of the script";
  EXPECT_GT(store.Count(sim::SimIoKind::kRemove, ".sst"), 3) << "so is a compaction";
  return store.files->operations();
}

TEST(EngineCrashTest, EveryAckedWriteSurvivesACrashAtEveryOperation) {
  constexpr int kRounds = 30;
  uint64_t operations = OperationsOfWholeRun(kRounds);
  ASSERT_GT(operations, 200);
  for (uint64_t index = 0; index < operations; ++index) {
    std::string where = absl::StrCat("crash at operation ", index);
    SimStore store(index);
    Knowledge known;
    store.plan = [index](const SimIo& io) { return io.index == index ? SimFault::kCrash : SimFault::kNone; };
    absl::Status opened = store.Open();
    if (opened.ok()) RunScript(&store, &known, kRounds);
    store.plan = nullptr;
    store.Crash(index);
    absl::Status reopened = store.Open();
    ASSERT_TRUE(reopened.ok()) << where << ": " << reopened;
    ExpectAckedThere(&store, known, where);
    ASSERT_TRUE(store.Put("new", "v").ok()) << where;
  }
}

// A crash during the open that follows a crash, at every operation of it.
TEST(EngineCrashTest, RecoveryItselfMayCrashAnywhere) {
  for (uint64_t index = 0, crashed = 1; crashed > 0; ++index) {
    SimStore store(index);
    Knowledge known;
    ASSERT_TRUE(store.Open().ok());
    RunScript(&store, &known, 12);
    store.Crash(index);
    uint64_t start = store.files->operations();
    store.plan = [=](const SimIo& io) { return io.index == start + index ? SimFault::kCrash : SimFault::kNone; };
    crashed = store.Open().ok() && !store.files->frozen() ? 0 : 1;
    store.plan = nullptr;
    store.Crash(index + 1);
    absl::Status reopened = store.Open();
    ASSERT_TRUE(reopened.ok()) << "operation " << index << ": " << reopened;
    ExpectAckedThere(&store, known, absl::StrCat("recovery crashed at ", index));
  }
}

TEST(EngineCrashTest, ManyCrashesOfOneStoreLoseNothing) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SimStore store(seed);
    sim::SimRandom random(seed);
    Knowledge known;
    for (int life = 0; life < 10; ++life) {
      uint64_t crash_at = store.files->operations() + random.Below(400);
      store.plan = [crash_at](const SimIo& io) { return io.index == crash_at ? SimFault::kCrash : SimFault::kNone; };
      Knowledge of_life;
      if (store.Open().ok()) {
        RunScript(&store, &of_life, 40);
      }
      store.plan = nullptr;
      store.Crash(random.Next64());
      absl::Status opened = store.Open();
      ASSERT_TRUE(opened.ok()) << "seed " << seed << " life " << life << ": " << opened;
      // Each life starts its versions anew: an older life's value may stand where this one acknowledged nothing.
      for (const auto& [key, version] : of_life.acked) {
        int found = VersionOf(store.Get(key));
        ASSERT_TRUE(found >= version && found <= of_life.tried.at(key))
            << "seed " << seed << " " << key << " " << found;
      }
      store.Close();
    }
  }
}

// The checker above must see a store that acknowledges too early.
TEST(EngineCrashTest, AnAckBeforeTheSyncWouldBeCaught) {
  int lost = 0;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    SimStore store(seed);
    ASSERT_TRUE(store.Open().ok());
    ASSERT_TRUE(store.Put("key1", ValueOf(1)).ok());
    // The planted fault: syncs claim success and do nothing; then the machine stops.
    store.plan = [](const SimIo& io) { return io.kind == sim::SimIoKind::kSync ? SimFault::kLie : SimFault::kNone; };
    ASSERT_TRUE(store.Put("key1", ValueOf(2)).ok());
    store.plan = nullptr;
    store.Crash(seed);
    absl::Status opened = store.Open();
    if (!opened.ok() || VersionOf(store.Get("key1")) < 2) ++lost;
  }
  EXPECT_GT(lost, 5);
}

// Two runs of one seed: the same operations on the files, the same contents.
TEST(EngineCrashTest, OneSeedIsOneHistory) {
  auto run = [](uint64_t seed) {
    SimStore store(seed);
    Knowledge known;
    for (int life = 0; life < 3; ++life) {
      EXPECT_TRUE(store.Open().ok());
      RunScript(&store, &known, 40);
      if (life < 2) store.Crash(seed + life);
    }
    std::string contents;
    for (int i = 0; i < kKeys; ++i) absl::StrAppend(&contents, store.Get(absl::StrCat("key", i)), "\n");
    return std::make_tuple(store.files->digest(), store.files->operations(), contents);
  };
  auto first = run(5);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(run(5) == first) << "the process's own chances have got in";
  EXPECT_NE(std::get<0>(run(5)), std::get<0>(run(6))) << "the digest sees the difference";
}

}  // namespace
}  // namespace henge::storage_test
