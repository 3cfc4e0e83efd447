#include "core/model/swim_message.h"

#include <gtest/gtest.h>

namespace henge {
namespace {

SwimCall SampleCall() {
  SwimCall call{.kind = SwimKind::kPingReq, .target = MemberId(3), .updates = {}};
  call.updates.push_back({.member = MemberId(1), .incarnation = 7, .accuser = {}, .address = "host:7401"});
  call.updates.push_back({MemberId(2), Liveness::kSuspect, 300, MemberId(1), ""});
  call.updates.push_back({MemberId(4), Liveness::kDead, 1, MemberId(), ""});
  return call;
}

TEST(SwimMessage, ComesBackAsItWas) {
  EXPECT_EQ(SwimCall::Decode(SampleCall().Encode()).value(), SampleCall());
  const SwimAnswer answer{.reached = false, .updates = SampleCall().updates};
  EXPECT_EQ(SwimAnswer::Decode(answer.Encode()).value(), answer);
}

TEST(SwimMessage, EveryTruncationAndAnyTailIsRefused) {
  const std::string bytes = SampleCall().Encode();
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(SwimCall::Decode(bytes.substr(0, size)).status().code(), absl::StatusCode::kInvalidArgument) << size;
  }
  EXPECT_FALSE(SwimCall::Decode(bytes + "x").ok());
}

TEST(SwimMessage, AFutureVersionSaysWhatToDo) {
  std::string bytes = SampleCall().Encode();
  bytes[0] = kSwimMessageVersion + 1;
  const absl::Status status = SwimCall::Decode(bytes).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(status.message().find("upgrade"), absl::string_view::npos);
  EXPECT_EQ(SwimAnswer::Decode(bytes).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(SwimMessage, ACountBeyondTheBytesIsRefusedWithoutTheMemory) {
  std::string bytes = {kSwimMessageVersion, 1, 0, '\xff', '\xff', '\xff', '\x7f'};
  EXPECT_FALSE(SwimCall::Decode(bytes).ok());
}

TEST(SwimMessage, UnknownKindsAndLivenessAreRefused) {
  EXPECT_FALSE(SwimCall::Decode(std::string{kSwimMessageVersion, 9, 0, 0}).ok());
  EXPECT_FALSE(SwimCall::Decode(std::string{kSwimMessageVersion, 1, 0, 1, 1, 3, 1}).ok());
}

}  // namespace
}  // namespace henge
