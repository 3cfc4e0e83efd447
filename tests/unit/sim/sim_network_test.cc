#include "tests/sim/sim_network.h"

#include <algorithm>

#include "tests/sim/cut_plan.h"

namespace henge::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class Port : public SimPort {
 public:
  void OnMessage(SimAddress, ConnectionId connection, std::string bytes) override {
    got.push_back(std::move(bytes));
    connections.push_back(connection);
  }
  void OnReset(HostId host, ConnectionId connection) override { resets.emplace_back(host, connection); }

  std::vector<std::string> got;
  std::vector<ConnectionId> connections;
  std::vector<std::pair<HostId, ConnectionId>> resets;
};

class SimNetworkTest : public ::testing::Test {
 protected:
  static constexpr SimAddress kA{1, 0};
  static constexpr SimAddress kB{2, 0};

  SimNetworkTest() {
    network_.StartHost(1);
    network_.StartHost(2);
    network_.Attach(kA, &a_);
    network_.Attach(kB, &b_);
  }
  ConnectionId Send(std::string bytes) { return network_.Send(kA, kB, std::move(bytes)); }
  void Settle() { scheduler_.RunFor(seconds(1)); }

  SimScheduler scheduler_{1};
  SimNetwork network_{scheduler_, SimRandom(5), {.delay_min = microseconds(100), .delay_mean = microseconds(100)}};
  Port a_, b_;
};

TEST_F(SimNetworkTest, DeliversAfterTheDelayAndNeverInsideSend) {
  const ConnectionId connection = Send("x");
  EXPECT_THAT(b_.got, IsEmpty());
  scheduler_.RunFor(microseconds(99));
  EXPECT_THAT(b_.got, IsEmpty());
  Settle();
  EXPECT_THAT(b_.got, ElementsAre("x"));
  EXPECT_THAT(b_.connections, ElementsAre(connection));
}

TEST_F(SimNetworkTest, MessagesOvertakeEachOther) {
  std::vector<std::string> sent;
  for (int i = 0; i < 50; ++i) {
    sent.push_back(std::to_string(i));
    Send(sent.back());
  }
  Settle();
  EXPECT_THAT(b_.got, ::testing::UnorderedElementsAreArray(sent));
  EXPECT_NE(b_.got, sent);
}

TEST_F(SimNetworkTest, LosesAndDuplicatesAtTheChosenRates) {
  network_.SetLink(1, 2, {.loss = 0.2, .duplicate = 0.5});
  for (int i = 0; i < 2000; ++i) Send("x");
  Settle();
  EXPECT_NEAR(static_cast<double>(network_.figures().lost), 400, 100);
  EXPECT_NEAR(static_cast<double>(network_.figures().duplicated), 800, 150);
  EXPECT_EQ(b_.got.size(), 2000 - network_.figures().lost + network_.figures().duplicated);
}

TEST_F(SimNetworkTest, ACutIsOneWayAndTakesWhatIsUnderWay) {
  Send("under way");
  network_.Cut(1, 2);
  Send("into the cut");
  network_.Send(kB, kA, "the other way");
  Settle();
  EXPECT_THAT(b_.got, IsEmpty());
  EXPECT_THAT(a_.got, ElementsAre("the other way"));
  EXPECT_THAT(a_.resets, IsEmpty());
  network_.Mend(1, 2);
  Send("after");
  Settle();
  EXPECT_THAT(b_.got, ElementsAre("after"));
}

TEST_F(SimNetworkTest, AClogHoldsBackUntilItsEnd) {
  network_.Clog(1, 2, scheduler_.now() + seconds(5));
  Send("x");
  scheduler_.RunFor(seconds(5));
  EXPECT_THAT(b_.got, IsEmpty());
  Settle();
  EXPECT_THAT(b_.got, ElementsAre("x"));
}

TEST_F(SimNetworkTest, AProcessThatStopsResetsItsConnections) {
  const ConnectionId connection = Send("under way");
  network_.StopHost(2, SimNetwork::StopKind::kProcess);
  Settle();
  EXPECT_THAT(b_.got, IsEmpty());
  ASSERT_FALSE(a_.resets.empty());
  for (const auto& reset : a_.resets) EXPECT_EQ(reset, std::make_pair(HostId{2}, connection));
  EXPECT_THAT(b_.resets, IsEmpty());
  // Later messages are refused, one by one.
  a_.resets.clear();
  const ConnectionId refused = Send("later");
  EXPECT_NE(refused, connection);
  Settle();
  EXPECT_THAT(a_.resets, ElementsAre(std::make_pair(HostId{2}, refused)));
}

TEST_F(SimNetworkTest, AMachineThatStopsIsSilent) {
  Send("under way");
  network_.StopHost(2, SimNetwork::StopKind::kMachine);
  Send("later");
  Settle();
  EXPECT_THAT(b_.got, IsEmpty());
  EXPECT_THAT(a_.resets, IsEmpty());
}

TEST_F(SimNetworkTest, AMessageToAnEarlierProcessIsNotDeliveredToTheNext) {
  const ConnectionId old = Send("for the old one");
  network_.StopHost(2, SimNetwork::StopKind::kMachine);
  network_.StartHost(2);
  Settle();
  EXPECT_THAT(b_.got, IsEmpty());
  EXPECT_THAT(a_.resets, ElementsAre(std::make_pair(HostId{2}, old)));
  EXPECT_NE(Send("for the new one"), old);
  Settle();
  EXPECT_THAT(b_.got, ElementsAre("for the new one"));
}

TEST_F(SimNetworkTest, ABrokenConnectionIsToldToBothEndsAndTakesWhatIsUnderWay) {
  const ConnectionId connection = Send("under way");
  network_.BreakConnection(2, 1);
  Settle();
  EXPECT_THAT(b_.got, IsEmpty());
  EXPECT_THAT(b_.resets, ElementsAre(std::make_pair(HostId{1}, connection)));
  for (const auto& reset : a_.resets) EXPECT_EQ(reset, std::make_pair(HostId{2}, connection));
  EXPECT_FALSE(a_.resets.empty());
}

TEST_F(SimNetworkTest, AnAnswerGoesOnItsConnectionOrNotAtAll) {
  const ConnectionId connection = Send("question");
  Settle();
  EXPECT_EQ(network_.Send(kB, kA, "answer", connection), connection);
  Settle();
  EXPECT_THAT(a_.got, ElementsAre("answer"));
  network_.BreakConnection(1, 2);
  EXPECT_EQ(network_.Send(kB, kA, "too late", connection), 0u);
  Settle();
  EXPECT_THAT(a_.got, ElementsAre("answer"));
}

TEST_F(SimNetworkTest, AResetIsLostInACut) {
  Send("x");
  network_.Cut(2, 1);
  network_.StopHost(2, SimNetwork::StopKind::kProcess);
  Settle();
  EXPECT_THAT(a_.resets, IsEmpty());
}

TEST_F(SimNetworkTest, NobodyListeningIsARefusal) {
  const ConnectionId connection = network_.Send(kA, SimAddress{2, 77}, "x");
  Settle();
  EXPECT_THAT(a_.resets, ElementsAre(std::make_pair(HostId{2}, connection)));
}

TEST_F(SimNetworkTest, AFilterTakesOutSingleMessages) {
  network_.SetFilter([](SimAddress, SimAddress, const std::string& bytes) { return bytes == "b"; });
  for (const char* bytes : {"a", "b", "c"}) Send(bytes);
  Settle();
  EXPECT_THAT(b_.got, UnorderedElementsAre("a", "c"));
  EXPECT_EQ(network_.figures().filtered, 1u);
}

TEST_F(SimNetworkTest, HealEndsEveryFaultButTheDelay) {
  network_.SetDefaultLink({.delay_min = milliseconds(1), .loss = 1});
  network_.SetLink(1, 2, {.delay_min = milliseconds(1), .loss = 1, .duplicate = 1, .reorder = 1});
  network_.Cut(1, 2);
  network_.Clog(1, 2, scheduler_.now() + std::chrono::hours(1));
  network_.SetFilter([](SimAddress, SimAddress, const std::string&) { return true; });
  network_.Heal();
  Send("x");
  scheduler_.RunFor(microseconds(999));
  EXPECT_THAT(b_.got, IsEmpty());
  Settle();
  EXPECT_THAT(b_.got, ElementsAre("x"));
}

// ---- The shapes of partitions ----

// For each member, how many others it hears and is heard by.
std::vector<std::pair<int, int>> Contacts(CutShape shape, uint32_t members, uint64_t seed) {
  SimRandom random(seed);
  const Cuts cuts = CutsOf(shape, members, &random);
  const int others = static_cast<int>(members) - 1;
  std::vector<std::pair<int, int>> contacts(members, {others, others});
  for (const auto& [from, to] : cuts) {
    EXPECT_NE(from, to);
    --contacts[from - 1].second;
    --contacts[to - 1].first;
  }
  std::sort(contacts.begin(), contacts.end());
  return contacts;
}

TEST(CutPlanTest, TheShapesCutWhatTheyPromise) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    EXPECT_THAT(Contacts(CutShape::kIsolated, 5, seed),
                ElementsAre(Pair(0, 0), Pair(3, 3), Pair(3, 3), Pair(3, 3), Pair(3, 3)));
    EXPECT_THAT(Contacts(CutShape::kPair, 3, seed), ElementsAre(Pair(1, 1), Pair(1, 1), Pair(2, 2)));
    EXPECT_THAT(Contacts(CutShape::kOneWay, 3, seed), ElementsAre(Pair(1, 2), Pair(2, 1), Pair(2, 2)));
    EXPECT_THAT(Contacts(CutShape::kUnheard, 3, seed), ElementsAre(Pair(1, 2), Pair(1, 2), Pair(2, 0)));
    EXPECT_THAT(Contacts(CutShape::kDeaf, 3, seed), ElementsAre(Pair(0, 2), Pair(2, 1), Pair(2, 1)));
    EXPECT_THAT(Contacts(CutShape::kSplit, 5, seed),
                ElementsAre(Pair(1, 1), Pair(1, 1), Pair(2, 2), Pair(2, 2), Pair(2, 2)));
    EXPECT_THAT(Contacts(CutShape::kBridge, 5, seed),
                ElementsAre(Pair(2, 2), Pair(2, 2), Pair(2, 2), Pair(2, 2), Pair(4, 4)));
    EXPECT_THAT(Contacts(CutShape::kMajorityRing, 5, seed),
                ElementsAre(Pair(2, 2), Pair(2, 2), Pair(2, 2), Pair(2, 2), Pair(2, 2)));
  }
}

TEST(CutPlanTest, EveryShapeCutsSomethingInEveryCluster) {
  SimRandom random(1);
  for (int shape = 0; shape < kCutShapes; ++shape) {
    for (uint32_t members = 2; members <= 5; ++members) {
      EXPECT_FALSE(CutsOf(static_cast<CutShape>(shape), members, &random).empty()) << shape << " of " << members;
    }
  }
}

}  // namespace
}  // namespace henge::sim
