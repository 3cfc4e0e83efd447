// Power loss at every operation of a run: every acknowledged hint is there afterwards, unless its removal was asked for
// (I15, H17).
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/unit/storage/hint_test_support.h"

namespace henge::storage_test {
namespace {

using sim::SimFault;
using sim::SimIo;

constexpr int kKeys = 12;

std::string ValueOf(int version) { return absl::StrCat("v", version, ":", std::string(700 + version % 5 * 300, 'h')); }
int VersionOf(const std::string& value) { return value == "(absent)" ? 0 : std::stoi(value.substr(1)); }

struct Knowledge {
  std::map<std::string, int> acked;          // the last version that was acknowledged
  std::map<std::string, int> tried;          // the last version handed in
  std::map<std::string, int> removal_asked;  // the last version whose removal was handed in
};

// Puts and removals, several batches in flight, as a keeper under load and a delivery beside it make them.
void RunScript(SimHints* hints, Knowledge* known, int rounds) {
  int version = 0;
  for (int round = 0; round < rounds && !hints->base.files->frozen(); ++round) {
    for (int batch = 0; batch < 3; ++batch) {
      std::vector<HintChange> changes;
      std::vector<std::tuple<size_t, std::string, int>> written;  // by its place in `changes`
      for (int i = 0; i < 3; ++i) {
        std::string key = absl::StrCat("key", version * 7 % kKeys);
        ++version;
        if (auto old = known->acked.find(key); old != known->acked.end() && version % 3 == 0) {
          known->removal_asked[key] = old->second;
          changes.push_back(RemoveHint(2, key, ValueOf(old->second)));
        }
        written.emplace_back(changes.size(), key, version);
        changes.push_back(PutHint(2, key, ValueOf(version)));
        known->tried[key] = version;
      }
      hints->store->Commit(std::move(changes), hints->base.loop, [known, written](const auto& effects) {
        if (!effects.ok()) return;
        for (const auto& [index, key, acked] : written) {
          if (effects->at(index).status.ok()) known->acked[key] = acked;
        }
      });
    }
    hints->Settle();
    // A delivery has the ack for an older version than what stands now: nothing may go (P16).
    std::string key = absl::StrCat("key", round % kKeys);
    if (known->acked[key] > 1) {
      hints->store->Commit({RemoveHint(2, key, ValueOf(known->acked[key] - 1))}, hints->base.loop, [](const auto&) {});
    }
  }
}

void ExpectAckedThere(SimHints* hints, const Knowledge& known, const std::string& where) {
  for (const auto& [key, acked] : known.acked) {
    if (acked == 0) continue;
    const std::string value = hints->Get(2, key);
    ASSERT_NE(value, "DATA_LOSS") << where;
    const int found = VersionOf(value);
    auto removal = known.removal_asked.find(key);
    if (found == 0 && removal != known.removal_asked.end() && removal->second == acked) continue;
    ASSERT_GE(found, acked) << where << ": an acknowledged hint for " << key << " is lost";
    ASSERT_LE(found, known.tried.at(key)) << where;
    ASSERT_EQ(value, ValueOf(found)) << where;
  }
  uint64_t hints_found = 0;
  for (int i = 0; i < kKeys; ++i) hints_found += hints->Get(2, absl::StrCat("key", i)) == "(absent)" ? 0 : 1;
  ASSERT_EQ(hints->store->figures().hints, hints_found) << where << ": the count was rebuilt";
}

TEST(HintCrashTest, EveryAckedHintSurvivesACrashAtEveryOperation) {
  constexpr int kRounds = 12;
  uint64_t operations = 0;
  {
    SimHints hints;
    Knowledge known;
    ASSERT_TRUE(hints.Open().ok());
    RunScript(&hints, &known, kRounds);
    ASSERT_EQ(known.acked.size(), size_t{kKeys});
    ASSERT_GT(hints.base.Count(sim::SimIoKind::kCreate, ".sst"), 0u) << "flushes are part of the script";
    operations = hints.base.files->operations();
  }
  ASSERT_GT(operations, 80u);
  for (uint64_t index = 0; index < operations; ++index) {
    const std::string where = absl::StrCat("crash at operation ", index);
    SimHints hints(index);
    Knowledge known;
    hints.base.plan = [index](const SimIo& io) { return io.index == index ? SimFault::kCrash : SimFault::kNone; };
    if (hints.Open().ok()) RunScript(&hints, &known, kRounds);
    hints.base.plan = nullptr;
    hints.Crash(index);
    absl::Status reopened = hints.Open();
    ASSERT_TRUE(reopened.ok()) << where << ": " << reopened;
    ExpectAckedThere(&hints, known, where);
    ASSERT_TRUE(hints.Commit({PutHint(2, "new", "v")}).ok()) << where;
  }
}

// The check above must see a store that acknowledges too early (H17).
TEST(HintCrashTest, AnAckBeforeTheSyncWouldBeCaught) {
  int lost = 0;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    SimHints hints(seed);
    ASSERT_TRUE(hints.Open().ok());
    hints.base.plan = [](const SimIo& io) {
      return io.kind == sim::SimIoKind::kSync ? SimFault::kLie : SimFault::kNone;
    };
    ASSERT_TRUE(hints.Commit({PutHint(2, "key1", ValueOf(1))}).ok());
    hints.base.plan = nullptr;
    hints.Crash(seed);
    if (!hints.Open().ok() || hints.Get(2, "key1") == "(absent)") ++lost;
  }
  EXPECT_GT(lost, 5);
}

}  // namespace
}  // namespace henge::storage_test
