#include "core/model/object.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/model/model_samples.h"

namespace henge {
namespace {

using ::testing::HasSubstr;

std::vector<std::string> ValuesOf(const Object& object) {
  std::vector<std::string> values;
  for (const Sibling& sibling : object.siblings()) values.push_back(sibling.value);
  std::sort(values.begin(), values.end());
  return values;
}

const Object kX = ObjectOf({}, {ValueOf(DotOf(1, 1), "x")});
const Object kY = ObjectOf({}, {ValueOf(DotOf(2, 1), "y")});
// Written with the context of kX.
const Object kXthenZ = ObjectOf({DotOf(1, 1)}, {ValueOf(DotOf(3, 1), "z")});

TEST(ObjectTest, P1ConcurrentVersionsBothStay) {
  Object object = kX;
  EXPECT_TRUE(object.Merge(kY));
  EXPECT_EQ(ValuesOf(object), (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(object.vv(), VvOf({DotOf(1, 1), DotOf(2, 1)}));
}

TEST(ObjectTest, P1ASupersededVersionGoesOnEitherSide) {
  for (auto [into, other] : {std::pair(kX, kXthenZ), std::pair(kXthenZ, kX)}) {
    const bool expected = into != kXthenZ;
    EXPECT_EQ(into.Merge(other), expected);
    EXPECT_EQ(into, kXthenZ);
  }
}

TEST(ObjectTest, P1AnUnseenSiblingOfTheSameActorStays) {
  // Actor 1 wrote x, then x2 blindly; the other side saw x alone and superseded it.
  Object object = ObjectOf({}, {ValueOf(DotOf(1, 1), "x"), ValueOf(DotOf(1, 2), "x2")});
  EXPECT_TRUE(object.Merge(kXthenZ));
  EXPECT_EQ(ValuesOf(object), (std::vector<std::string>{"x2", "z"}));
}

TEST(ObjectTest, MergeSaysWhetherItChangedAnything) {
  Object object = kX;
  EXPECT_FALSE(object.Merge(kX));
  EXPECT_FALSE(object.Merge(Object()));
  EXPECT_TRUE(object.Merge(kY));
  EXPECT_FALSE(object.Merge(kY));
  // A context alone is news too.
  EXPECT_TRUE(object.Merge(ObjectOf({DotOf(9, 1)}, {})));
  EXPECT_TRUE(object.Includes(kX));
  EXPECT_FALSE(kX.Includes(object));
}

TEST(ObjectTest, MergeWithItselfChangesNothing) {
  Object object = kX;
  EXPECT_FALSE(object.Merge(object));
  EXPECT_EQ(object, kX);
}

TEST(ObjectTest, MergeByMoveGivesTheSame) {
  const std::vector<Object> all = {Object(), kX, kY, kXthenZ};
  for (const Object& a : all) {
    for (const Object& b : all) {
      Object copied = a;
      Object moved = a;
      Object source = b;
      EXPECT_EQ(copied.Merge(b), moved.Merge(std::move(source)));
      EXPECT_EQ(copied, moved);
    }
  }
}

TEST(ObjectTest, P1EqualDotsWithOtherPayloadsKeepAllInCanonicalOrder) {
  std::vector<Object> twins;
  for (const char* value : {"c", "a", "b"}) twins.push_back(ObjectOf({}, {ValueOf(DotOf(1, 1), value)}));
  twins.push_back(kY);
  EXPECT_FALSE(twins[0].HasDotCollision());
  std::vector<int> order = {0, 1, 2, 3};
  std::string first;
  do {
    Object merged;
    for (int i : order) merged.Merge(twins[i]);
    EXPECT_TRUE(merged.HasDotCollision());
    EXPECT_EQ(ValuesOf(merged), (std::vector<std::string>{"a", "b", "c", "y"}));
    if (first.empty()) first = merged.Encode();
    EXPECT_EQ(merged.Encode(), first);
    EXPECT_TRUE(merged.Includes(twins[order[0]]));
  } while (std::next_permutation(order.begin(), order.end()));
  // Presence is by dot alone: one who superseded the dot supersedes all its payloads.
  Object merged = twins[0];
  merged.Merge(twins[1]);
  merged.Merge(kXthenZ);
  EXPECT_EQ(ValuesOf(merged), (std::vector<std::string>{"z"}));
}

TEST(ObjectTest, LiveValuesAreNeitherDeletedNorExpired) {
  const int64_t now = 1000;
  Sibling sibling = ValueOf(DotOf(1, 1), "x");
  EXPECT_TRUE(ObjectOf({}, {sibling}).HasLiveValue(now));
  sibling.expires_at_ms = now;
  EXPECT_FALSE(ObjectOf({}, {sibling}).HasLiveValue(now));
  EXPECT_TRUE(ObjectOf({}, {sibling}).HasLiveValue(now - 1));
  const Sibling tombstone{.dot = DotOf(1, 1), .tombstone = true};
  EXPECT_FALSE(ObjectOf({}, {tombstone}).HasLiveValue(now));
  EXPECT_TRUE(ObjectOf({}, {tombstone, ValueOf(DotOf(2, 1), "")}).HasLiveValue(now));
  EXPECT_FALSE(Object().HasLiveValue(now));
}

TEST(ObjectTest, FindsTheVersionOfAMutation) {
  Sibling sibling = ValueOf(DotOf(1, 1), "x");
  sibling.op_id = {7, 8};
  sibling.hlc = 5;
  const Object object = ObjectOf({}, {sibling, ValueOf(DotOf(2, 1), "y")});
  ASSERT_NE(object.FindOp({7, 8}), nullptr);
  EXPECT_EQ(object.FindOp({7, 8})->value, "x");
  EXPECT_EQ(object.FindOp({7, 9}), nullptr);
  EXPECT_EQ(object.FindOp({}), nullptr) << "no id is no id";
  EXPECT_EQ(object.MaxHlc(), 5u);
  EXPECT_EQ(Object().MaxHlc(), 0u);
}

Object Rich() {
  Sibling value = ValueOf({ActorOf(1, 2, 300), 200}, std::string(300, 'v'));
  value.expires_at_ms = -5;
  value.hlc = 77;
  value.op_id = {1, 2};
  value.request_hash = 3;
  const Sibling tombstone{.dot = DotOf(9, 1), .tombstone = true, .hlc = 78};
  return ObjectOf({DotOf(4, 1000), {ActorOf(1, 2, 300), 201}}, {value, tombstone, ValueOf(DotOf(5, 1), "")});
}

TEST(ObjectTest, EncodingComesBackAndHasTheSizeThatWasSaid) {
  for (const Object& object : {Object(), kX, kXthenZ, Rich()}) {
    const std::string bytes = object.Encode();
    EXPECT_EQ(bytes.size(), object.EncodedSize());
    const absl::StatusOr<Object> decoded = Object::Decode(bytes);
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    EXPECT_EQ(*decoded, object);
    std::string appended = "before";
    object.EncodeTo(&appended);
    EXPECT_EQ(appended, "before" + bytes);
  }
}

// The format of stored data: a change here is a new format version.
TEST(ObjectTest, EncodingIsTheDocumentedOne) {
  Sibling sibling{.dot = {ActorOf(1, 2, 3), 4}, .value = "v", .hlc = 5};
  const std::string bytes = ObjectOf({{ActorOf(1, 2, 3), 200}}, {sibling}).Encode();
  const std::string expected(
      "\x01"                              // format
      "\x01"                              // entries
      "\x01\x00\x00\x00\x00\x00\x00\x00"  // store
      "\x02\x00\x00\x00\x00\x00\x00\x00"  // lifetime
      "\x03\xc8\x01"                      // epoch, counter
      "\x01"                              // siblings
      "\x00\x04\x00"                      // actor, counter, flags
      "\x05\x00\x00\x00\x00\x00\x00\x00"  // hlc
      "\x01v",
      35);
  EXPECT_EQ(bytes, expected);
}

TEST(ObjectTest, EveryTruncationIsRefused) {
  const std::string bytes = Rich().Encode();
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(Object::Decode(bytes.substr(0, size)).status().code(), absl::StatusCode::kDataLoss) << size;
  }
}

void ExpectRefused(const std::string& bytes, const std::string& why) {
  const absl::Status status = Object::Decode(bytes).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr(why));
}

std::string Entry(char store, const std::string& epoch_and_counter) {
  return std::string(1, store) + std::string(15, '\0') + epoch_and_counter;
}

const std::string kEntry1 = Entry(1, "\x01\x05");
const std::string kEntry2 = Entry(2, "\x01\x05");
const std::string kHlc(8, '\0');

TEST(ObjectTest, WhatIsNotCanonicalIsRefused) {
  const std::string none("\x00", 1);
  const std::string one_entry = "\x01\x01" + kEntry1;
  EXPECT_TRUE(Object::Decode(one_entry + none).ok());
  ExpectRefused("\x02" + one_entry.substr(1) + none, "unknown format version");
  ExpectRefused(one_entry + none + "x", "bytes follow");
  ExpectRefused("\x01\x02" + kEntry2 + kEntry1 + none, "version vector");             // unsorted
  ExpectRefused("\x01\x02" + kEntry1 + kEntry1 + none, "version vector");             // twice
  ExpectRefused("\x01\x01" + Entry(1, std::string("\x01\x00", 2)) + none, "vector");  // counter 0
  ExpectRefused("\x01\x01" + Entry(1, std::string("\x00\x01", 2)) + none, "vector");  // epoch 0
  ExpectRefused("\x01\x01" + Entry(1, std::string("\x01\x85\x00", 3)) + none, "vector");
  ExpectRefused(std::string("\x01\x81\x00", 3) + kEntry1 + none, "vector");  // a count in two bytes

  const auto sibling = [](const std::string& dot_and_flags, const std::string& rest) {
    return dot_and_flags + kHlc + rest;
  };
  const std::string x = sibling(std::string("\x00\x01\x00", 3), "\x01x");
  const std::string y = sibling(std::string("\x00\x02\x00", 3), "\x01y");
  EXPECT_TRUE(Object::Decode(one_entry + "\x02" + x + y).ok());
  ExpectRefused(one_entry + "\x02" + y + x, "out of order");
  ExpectRefused(one_entry + "\x02" + x + x, "out of order");
  ExpectRefused(one_entry + "\x01" + sibling(std::string("\x00\x06\x00", 3), "\x01x"), "not covered");
  ExpectRefused(one_entry + "\x01" + sibling(std::string("\x01\x01\x00", 3), "\x01x"), "not covered");  // no such actor
  ExpectRefused(one_entry + "\x01" + sibling(std::string("\x00\x00\x00", 3), "\x01x"), "sibling");      // counter 0
  ExpectRefused(one_entry + "\x01" + sibling(std::string("\x00\x01\x01", 3), "\x01x"), "sibling");  // tombstone, value
  ExpectRefused(one_entry + "\x01" + sibling(std::string("\x00\x01\x08", 3), "\x01x"), "sibling");  // unknown flag
  ExpectRefused(one_entry + "\x01" + sibling(std::string("\x00\x01\x02", 3), kHlc + "\x01x"),
                "sibling");  // expires at 0
  ExpectRefused(one_entry + "\x01" + sibling(std::string("\x00\x01\x04", 3), kHlc + kHlc + kHlc + "\x01x"), "sibling");
}

TEST(ObjectTest, AHugeCountInAFewBytesIsRefusedWithoutRoomForIt) {
  ExpectRefused("\x01\xff\xff\xff\xff\x0f", "vector");
  ExpectRefused(std::string("\x01\x00\xff\xff\xff\xff\x0f", 7), "sibling");
}

}  // namespace
}  // namespace henge
