// Control messages reach who registered for their kind, and nobody else.
#include "node/control_plane.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace henge {
namespace {

using ::testing::HasSubstr;

class Echo : public ControlService {
 public:
  void Serve(MemberId from, std::string body, MonotonicTime, ReplyFn reply) override {
    if (body.empty()) {
      reply(absl::InvalidArgumentError("nothing said"));
    } else {
      reply(body + " from " + std::to_string(from.value()));
    }
  }
};

absl::StatusOr<std::string> Ask(ControlPlane& plane, ControlKind kind, std::string body) {
  absl::StatusOr<std::string> answer = absl::UnknownError("no answer");
  plane.Handle(MemberId(7), ControlRequest{kind, std::move(body)}, {}, [&answer](absl::StatusOr<PeerReply> reply) {
    if (reply.ok()) {
      answer = std::get<ControlReply>(*reply).body;
    } else {
      answer = reply.status();
    }
  });
  return answer;
}

TEST(ControlPlane, ServesEachKindByWhoRegisteredForIt) {
  ControlPlane plane;
  Echo echo;
  plane.Register(ControlKind::kState, echo);
  EXPECT_EQ(*Ask(plane, ControlKind::kState, "hello"), "hello from 7");
  EXPECT_EQ(Ask(plane, ControlKind::kState, "").status(), absl::InvalidArgumentError("nothing said"));
}

TEST(ControlPlane, RefusesAKindThatNobodyServes) {
  ControlPlane plane;
  const absl::Status refused = Ask(plane, ControlKind::kGossip, "x").status();
  EXPECT_TRUE(absl::IsUnimplemented(refused));
  EXPECT_THAT(refused.message(), HasSubstr("kind 1"));
}

}  // namespace
}  // namespace henge
