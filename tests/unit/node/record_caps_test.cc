#include "node/record_caps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/model/limits.h"
#include "tests/unit/coordinator/fakes.h"

namespace henge {
namespace {

using coordinator_test::MakeDot;
using coordinator_test::MakeObject;
using coordinator_test::VersionSpec;
using testing::HasSubstr;

Object Siblings(size_t count, size_t bytes_each) {
  std::vector<VersionSpec> versions;
  for (size_t i = 0; i < count; ++i) {
    versions.push_back({.store = i + 1, .counter = 1, .value = std::string(bytes_each, 'v')});
  }
  return MakeObject(versions);
}

TEST(RecordCaps, P38APutThatWouldLeaveTooManyVersionsIsRefusedSayingWhatToDo) {
  EXPECT_TRUE(CheckCaps(Siblings(kSiblingsMax - 1, 1), {}, {.value = "v"}).ok());
  const absl::Status refused = CheckCaps(Siblings(kSiblingsMax, 1), {}, {.value = "v"});
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("101 concurrent versions, the limit is 100: read the key"));
}

TEST(RecordCaps, P38APutThatWouldLeaveTooManyBytesIsRefused) {
  EXPECT_TRUE(CheckCaps(Siblings(3, 1 << 20), {}, {.value = "v"}).ok());
  const absl::Status refused = CheckCaps(Siblings(3, 1 << 20), {}, {.value = std::string(1 << 20, 'v')});
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("bytes, the limit is 4194304"));
}

TEST(RecordCaps, TheBoundIsOnTheEncodedRecord) {
  // What passes must encode within the bound, however many versions share it.
  for (size_t count : {size_t{1}, size_t{10}, kSiblingsMax - 1}) {
    const size_t each = (kObjectBytesMax - 1024) / (count + 1) - 200;
    const Object base = Siblings(count, each);
    ASSERT_TRUE(CheckCaps(base, {}, {.value = std::string(each, 'v')}).ok());
    EXPECT_LE(base.Encode().size() + each + 200, kObjectBytesMax);
  }
}

TEST(RecordCaps, P38AContextThatResolvesTheVersionsMakesRoom) {
  const Object base = Siblings(kSiblingsMax, 1);
  EXPECT_TRUE(CheckCaps(base, base.vv(), {.value = "v"}).ok());
  VersionVector one;
  one.Raise(MakeDot(1, 1).actor, 1);
  EXPECT_TRUE(CheckCaps(base, one, {.value = "v"}).ok());
}

TEST(RecordCaps, P38ADeleteAlwaysPasses) {
  EXPECT_TRUE(CheckCaps(Siblings(kSiblingsMax + 50, 100'000), {}, {.tombstone = true}).ok());
}

}  // namespace
}  // namespace henge
