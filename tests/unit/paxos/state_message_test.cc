#include "core/model/state_message.h"

#include <gtest/gtest.h>

#include <random>

namespace henge {
namespace {

StateSender Sender() { return {ClusterId(0x1122334455667788), StoreId(9), StateVersion(300), 77}; }

std::vector<StateCall> Calls() {
  const Ballot ballot{3, MemberId(2)};
  return {{.ask = StateAsk::kFetch, .sender = Sender()},
          {.ask = StateAsk::kPrepare, .sender = Sender(), .ballot = ballot},
          {.ask = StateAsk::kAccept, .sender = Sender(), .ballot = ballot, .value = "state"},
          {.ask = StateAsk::kLearn, .sender = Sender(), .value = "state"}};
}

std::vector<StateAnswer> Answers() {
  const Ballot low{3, MemberId(2)}, high{4, MemberId(1)};
  return {{.verdict = StateVerdict::kNothing, .sender = Sender()},
          {.verdict = StateVerdict::kNewer, .sender = Sender(), .value = "state"},
          {.verdict = StateVerdict::kBehind, .sender = Sender()},
          {.verdict = StateVerdict::kGranted, .sender = Sender(), .promised = high},
          {.verdict = StateVerdict::kGranted, .sender = Sender(), .promised = high, .accepted = low, .value = "state"},
          {.verdict = StateVerdict::kRefused, .sender = Sender(), .promised = high}};
}

TEST(StateMessageTest, ComesBackAsItWas) {
  for (const StateCall& call : Calls()) EXPECT_EQ(StateCall::Decode(call.Encode()).value(), call);
  for (const StateAnswer& answer : Answers()) EXPECT_EQ(StateAnswer::Decode(answer.Encode()).value(), answer);
}

TEST(StateMessageTest, GoldenBytes) {
  EXPECT_EQ(
      Calls()[2].Encode(),
      std::string("\x01\x03\x88\x77\x66\x55\x44\x33\x22\x11\x09\0\0\0\0\0\0\0\xac\x02\x4d\0\0\0\0\0\0\0\x03\x02\x05"
                  "state",
                  36));
}

TEST(StateMessageTest, EveryTruncationAndAnyTailIsRefused) {
  for (const StateCall& call : Calls()) {
    const std::string bytes = call.Encode();
    for (size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(StateCall::Decode(bytes.substr(0, size)).ok());
    EXPECT_FALSE(StateCall::Decode(bytes + "x").ok());
  }
  for (const StateAnswer& answer : Answers()) {
    const std::string bytes = answer.Encode();
    for (size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(StateAnswer::Decode(bytes.substr(0, size)).ok());
    EXPECT_FALSE(StateAnswer::Decode(bytes + "x").ok());
  }
}

TEST(StateMessageTest, AFutureVersionSaysWhatToDo) {
  std::string bytes = Calls()[0].Encode();
  bytes[0] = kStateMessageVersion + 1;
  EXPECT_EQ(StateCall::Decode(bytes).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(StateAnswer::Decode(bytes).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(StateMessageTest, WhatBelongsToAnotherKindIsRefused) {
  StateCall call = Calls()[0];
  call.value = "state";
  EXPECT_FALSE(StateCall::Decode(call.Encode()).ok());
  call = Calls()[1];
  call.ballot = {};
  EXPECT_FALSE(StateCall::Decode(call.Encode()).ok());
  call = Calls()[3];
  call.value.clear();
  EXPECT_FALSE(StateCall::Decode(call.Encode()).ok());
  StateAnswer answer = Answers()[5];
  answer.accepted = answer.promised;
  EXPECT_FALSE(StateAnswer::Decode(answer.Encode()).ok());
  answer = Answers()[0];
  answer.promised = Ballot{1, MemberId(1)};
  EXPECT_FALSE(StateAnswer::Decode(answer.Encode()).ok());
}

// Whatever decodes is canonical: its encoding is what it came from.
TEST(StateMessageTest, GarbageIsRefusedOrCanonical) {
  std::mt19937_64 random(7);
  int taken = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string bytes = i % 2 == 0 ? Calls()[random() % 4].Encode() : Answers()[random() % 6].Encode();
    for (uint64_t flips = 1 + random() % 3; flips > 0; --flips) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    if (auto call = StateCall::Decode(bytes); call.ok()) {
      ++taken;
      ASSERT_EQ(call->Encode(), bytes);
    }
    if (auto answer = StateAnswer::Decode(bytes); answer.ok()) {
      ++taken;
      ASSERT_EQ(answer->Encode(), bytes);
    }
  }
  EXPECT_GT(taken, 1000);
}

}  // namespace
}  // namespace henge
