#include "tests/sim/lww_checker.h"

#include <gtest/gtest.h>

#include <map>

#include "core/model/object_builder.h"

namespace henge::sim {
namespace {

// One key, three owners, and versions by hand.
class LwwCheckerTest : public testing::Test {
 protected:
  MutationId Write(uint64_t hlc, std::set<MutationId> observed = {}, OpStatus status = OpStatus::kOk) {
    MutationRecord& m = history_.NewMutation("k", 0);
    m.observed = std::move(observed);
    m.status = status;
    Sibling version{.dot = {{StoreId(m.id), Lifetime(1), 1}, 1}, .value = "v", .hlc = hlc, .op_id = OpId{1, m.id}};
    versions_[m.id] = version;
    return m.id;
  }

  Object Record(MutationId id) const {
    Object object;
    ObjectBuilder::Add(object, versions_.at(id));
    return object;
  }

  void FinalRead(std::vector<MutationId> values) {
    history_.AddRead({.key = "k", .final = true, .values = std::move(values)});
  }

  std::set<std::string> Judge(const std::vector<Object>& replicas) {
    Violations out;
    CheckLastWriterWins(
        history_, {{"k", replicas}},
        {[this](MutationId id) { return std::vector<Dot>{versions_.at(id).dot}; },
         [this](const Dot& dot) { return &versions_.at(static_cast<MutationId>(dot.actor.store.value())); }},
        &out);
    std::set<std::string> found;
    for (const Violation& v : out) found.insert(v.invariant);
    return found;
  }
  std::set<std::string> JudgeAll(MutationId last) { return Judge({Record(last), Record(last), Record(last)}); }

  using Found = std::set<std::string>;
  History history_;
  std::map<MutationId, Sibling> versions_;
};

TEST_F(LwwCheckerTest, TheGreatestStampOfAllMayWin) {
  const MutationId first = Write(10);
  Write(5);
  const MutationId last = Write(11, {first});
  FinalRead({last});
  EXPECT_EQ(JudgeAll(last), Found{});
}

TEST_F(LwwCheckerTest, AnAckedWriteLostAgainstALowerStamp) {
  const MutationId low = Write(5);
  Write(10);
  FinalRead({low});
  EXPECT_EQ(JudgeAll(low), Found{"I1"});
}

TEST_F(LwwCheckerTest, AnAckedWriteLostAgainstWhatItsWriterHadSeen) {
  const MutationId seen = Write(10);
  Write(9, {seen});  // stamped by a clock that is behind, and not above what was seen
  FinalRead({seen});
  EXPECT_EQ(JudgeAll(seen), (Found{"I1", "I4"}));
}

TEST_F(LwwCheckerTest, AKeyThatVanished) {
  Write(10);
  FinalRead({});
  EXPECT_EQ(Judge({Object(), Object(), Object()}), Found{"I1"});
}

TEST_F(LwwCheckerTest, ReplicasThatDifferAndReadsThatShowMore) {
  const MutationId a = Write(10);
  const MutationId b = Write(11);
  FinalRead({a, b});
  EXPECT_EQ(Judge({Record(b), Record(b), Record(a)}), (Found{"I1", "I3", "I4"}));
}

}  // namespace
}  // namespace henge::sim
