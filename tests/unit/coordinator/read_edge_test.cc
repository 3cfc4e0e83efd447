#include "coordinator/read_edge.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/coordinator/fakes.h"

namespace henge {
namespace {

using coordinator_test::MakeDot;
using coordinator_test::MakeObject;

std::vector<std::string> Values(const Object& object, int64_t now_ms) {
  std::vector<std::string> values;
  for (const Sibling* sibling : VisibleAt(object, now_ms)) values.push_back(sibling->value);
  return values;
}

TEST(ReadEdge, ShowsNeitherTombstonesNorExpiredValues) {
  const Object object = MakeObject({{.store = 1, .counter = 1, .value = "live"},
                                    {.store = 2, .counter = 1, .tombstone = true},
                                    {.store = 3, .counter = 1, .value = "old", .expires_at_ms = 1000},
                                    {.store = 4, .counter = 1, .value = "young", .expires_at_ms = 1001}});
  EXPECT_EQ(Values(object, 1000), (std::vector<std::string>{"live", "young"}));
}

TEST(ReadEdge, P8ShowsEachOpIdOnceAndVersionsWithoutOneAll) {
  const OpId op{1, 2};
  const Object object = MakeObject({{.store = 1, .counter = 1, .value = "a", .op_id = op},
                                    {.store = 2, .counter = 1, .value = "a", .op_id = op},
                                    {.store = 3, .counter = 1, .value = "b"},
                                    {.store = 4, .counter = 1, .value = "b"}});
  EXPECT_EQ(Values(object, 0), (std::vector<std::string>{"a", "b", "b"}));
  const Context context = ReadContext(object);
  EXPECT_TRUE(context.vv.Covers(MakeDot(1, 1)));
  EXPECT_TRUE(context.vv.Covers(MakeDot(2, 1))) << "the context covers the copies that are not shown";
}

TEST(ReadEdge, AWriteContextCoversTheNewVersionAndWhatTheClientHadSeen) {
  const Object object = MakeObject({{.store = 1, .counter = 3, .value = "new"}});
  Context client;
  client.vv.Raise(MakeDot(2, 1).actor, 5);
  const auto next = WriteContext(object, client, MakeDot(1, 3));
  ASSERT_TRUE(next.has_value());
  EXPECT_TRUE(next->vv.Covers(MakeDot(1, 3)));
  EXPECT_TRUE(next->vv.Covers(MakeDot(2, 5)));
  EXPECT_EQ(next->hlc_max, 3u);
}

TEST(ReadEdge, ThereIsNoWriteContextIfItWouldCoverAValueThatTheClientHasNotSeen) {
  const Object object =
      MakeObject({{.store = 1, .counter = 2, .value = "unseen"}, {.store = 1, .counter = 3, .value = "new"}});
  EXPECT_FALSE(WriteContext(object, {}, MakeDot(1, 3)).has_value());
}

TEST(ReadEdge, AnUnseenTombstoneIsNoReasonToWithholdTheWriteContext) {
  const Object object =
      MakeObject({{.store = 1, .counter = 2, .tombstone = true}, {.store = 1, .counter = 3, .value = "new"}});
  EXPECT_TRUE(WriteContext(object, {}, MakeDot(1, 3)).has_value());
}

TEST(ReadEdge, AnUnseenValueOfAnotherActorStaysConcurrent) {
  const Object object =
      MakeObject({{.store = 1, .counter = 3, .value = "new"}, {.store = 2, .counter = 1, .value = "unseen"}});
  const auto next = WriteContext(object, {}, MakeDot(1, 3));
  ASSERT_TRUE(next.has_value());
  EXPECT_FALSE(next->vv.Covers(MakeDot(2, 1)));
}

}  // namespace
}  // namespace henge
