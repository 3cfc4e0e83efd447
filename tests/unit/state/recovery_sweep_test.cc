// P32: recoveries that are begun, lost halfway and given again while members come and go. From the first one that comes
// to something on the operator says the truth: who is down then never comes back.
//
// It ends in a dead end if those who have accepted a recovery count for the old majority, or if one recovery can't
// overtake another. The rules against two clusters have tests of their own, in cluster_recovery_test.cc.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/unit/state/state_rig.h"

namespace henge::state_test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kMembers = 5;

class RecoverySweep {
 public:
  explicit RecoverySweep(uint32_t seed) : random_(seed) {
    rig_.StartAll();
    rig_.Pass(seconds(3));
    for (int i = 1; i <= kMembers; ++i) up_.insert(i);
    known_.insert(rig_.initial().cluster);
    // Questions come through: whoever is up is asked.
    rig_.lose = [this](int, int, ControlKind kind, const StateCall& call) {
      return losing_ && call.ask != StateAsk::kFetch && Chance(kind == ControlKind::kRecover ? 2 : 5);
    };
  }

  void Step() {
    switch (random_() % 10) {
      case 0:
      case 1:
        if (up_.size() > 1) Stop(Any(up_));
        break;
      case 2:
        Start();
        break;
      case 3:
      case 4:
        Change(Any(up_), seconds(1));
        break;
      case 5:
      case 6:
        rig_.note_gained = !Chance(2);
        Recover(Any(up_));
        rig_.note_gained = true;
        break;
      case 7:
      case 8:
        Together();
        break;
      default:
        Restart();
    }
    rig_.Pass(milliseconds(random_() % 3000));
    Look();
  }

  // If nobody is gone, up to two go. All others are there, and the operator gives the command again until something can
  // be decided.
  bool Heal() {
    losing_ = false;
    if (gone_.empty()) {
      for (uint32_t left = random_() % 3; left > 0; --left) {
        const int dead = 1 + static_cast<int>(random_() % kMembers);
        Stop(dead);
        gone_.insert(dead);
      }
    }
    while (Start()) {
    }
    for (int turn = 0; turn < 15; ++turn) {
      Restart();
      rig_.Pass(seconds(20));
      for (int i : up_) {
        if (Change(i, seconds(3))) return true;
      }
      for (int i : up_) {
        if (Recover(i)) break;
      }
      Look();
    }
    return false;
  }

  // Those that hold more than half of the members who are left.
  std::set<ClusterId> CanDecide() {
    std::map<ClusterId, size_t> held;
    std::set<ClusterId> able;
    for (int i : up_) {
      const ClusterState& state = Stored(i);
      if (2 * ++held[state.cluster] > state.members.size()) able.insert(state.cluster);
    }
    return able;
  }
  // Buckets that somebody who is left had, and whoever decides now has not.
  std::set<std::string> Lost() {
    const std::set<ClusterId> able = CanDecide();
    std::set<std::string> had, have;
    for (int i : up_) {
      had.insert(seen_[i].begin(), seen_[i].end());
      if (able.contains(Stored(i).cluster)) have.merge(BucketsOf(i));
    }
    for (const std::string& bucket : have) had.erase(bucket);
    return had;
  }
  int recoveries() const { return static_cast<int>(known_.size()) - 1; }

 private:
  bool Chance(uint32_t of) { return random_() % of == 0; }
  int Any(const std::set<int>& of) { return *std::next(of.begin(), static_cast<int>(random_() % of.size())); }

  const ClusterState& Stored(int i) {
    std::string note = rig_.engine(i).ReadMeta(kStateNote)->value_or("");
    auto& [bytes, state] = stored_[i];
    if (bytes != note || note.empty()) state = note.empty() ? rig_.initial() : *ClusterState::Decode(note);
    bytes = std::move(note);
    return state;
  }
  std::set<std::string> BucketsOf(int i) {
    std::set<std::string> names;
    const ClusterState& state = Stored(i);
    for (const Bucket& bucket : state.buckets) names.insert(bucket.name);
    return names;
  }

  void Stop(int i) {
    rig_.Stop(i);
    up_.erase(i);
  }
  bool Start() {
    std::set<int> down;
    for (int i = 1; i <= kMembers; ++i) {
      if (!up_.contains(i) && !gone_.contains(i)) down.insert(i);
    }
    if (down.empty()) return false;
    const int i = Any(down);
    rig_.Start(i);
    up_.insert(i);
    return true;
  }
  // Whoever has taken over, and by chance others.
  void Restart() {
    for (int i : up_) {
      if (Stored(i).cluster == rig_.state(i).cluster && !Chance(4)) continue;
      rig_.Stop(i);
      rig_.Start(i);
    }
  }
  bool Change(int i, Duration budget) { return rig_.Change(i, Create(absl::StrCat("b", ++changes_)), budget).ok(); }
  // Two recoveries and a change, within moments.
  void Together() {
    if (recoveries() > 0) Bury();
    std::vector<StateRig::Recovered> recoveries;
    const auto change = rig_.Propose(Any(up_), Create(absl::StrCat("b", ++changes_)), seconds(1));
    for (int i = 0; i < 2; ++i) {
      if (Chance(2)) rig_.Pass(milliseconds(random_() % 60));
      recoveries.push_back(rig_.BeginRecover(Any(up_), /*force=*/true, Names(), seconds(1)));
    }
    for (int turn = 0; turn < 100; ++turn) {
      rig_.Pass(milliseconds(50));
      Look();
    }
  }
  // Of who is there, or none.
  std::vector<std::string> Names() {
    std::vector<std::string> names;
    if (losing_ && Chance(2)) return names;
    for (int member : up_) names.push_back(absl::StrCat("n", member));
    return names;
  }
  bool Recover(int i) {
    if (recoveries() > 0) Bury();
    const std::vector<std::string> names = Names();
    const bool done = rig_.Recover(i, /*force=*/true, names, seconds(1)).ok();
    Look();
    return done;
  }

  void Look() {
    bool begun = false;
    for (int i : up_) {
      begun |= known_.insert(Stored(i).cluster).second;
      seen_[i].merge(BucketsOf(i));
    }
    if (begun) Bury();
  }
  void Bury() {
    for (int i = 1; i <= kMembers; ++i) {
      if (!up_.contains(i)) gone_.insert(i);
    }
  }

  StateRig rig_{kMembers};
  std::mt19937 random_;
  bool losing_ = true;
  int changes_ = 0;
  std::set<int> up_, gone_;
  std::set<ClusterId> known_;
  std::map<int, std::set<std::string>> seen_;
  std::map<int, std::pair<std::string, ClusterState>> stored_;
};

// A few seeds a test: under a sanitizer each takes a second.
constexpr uint32_t kSeedsOfOneTest = 10;

class RecoverySweepTest : public testing::TestWithParam<uint32_t> {};

TEST_P(RecoverySweepTest, P32OneClusterAtMostCanDecideOneDoesAtLastAndNothingThatItsMembersHadIsLost) {
  int recovered = 0;
  for (uint32_t seed = GetParam(); seed < GetParam() + kSeedsOfOneTest; ++seed) {
    RecoverySweep sweep(seed);
    for (int step = 0; step < 30; ++step) {
      sweep.Step();
      ASSERT_LE(sweep.CanDecide().size(), 1u) << "seed " << seed << ", step " << step;
    }
    ASSERT_TRUE(sweep.Heal()) << "seed " << seed;
    EXPECT_EQ(sweep.CanDecide().size(), 1u) << "seed " << seed;
    EXPECT_TRUE(sweep.Lost().empty()) << "seed " << seed << ": " << *sweep.Lost().begin();
    recovered += sweep.recoveries();
  }
  EXPECT_GT(recovered, 3) << "else it says little";
}

INSTANTIATE_TEST_SUITE_P(Seeds, RecoverySweepTest, testing::Range(1u, 61u, kSeedsOfOneTest));

}  // namespace
}  // namespace henge::state_test
