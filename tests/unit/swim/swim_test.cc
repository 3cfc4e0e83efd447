#include "core/model/swim.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace henge {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr MemberId kSelf(1), kB(2), kC(3), kD(4);

class SwimTest : public testing::Test {
 protected:
  explicit SwimTest(SwimSettings settings = {}) : swim_(settings, kSelf, "self:1", 7, MonotonicTime{}) {
    swim_.SetMembers(std::vector<MemberId>{kSelf, kB, kC, kD});
  }
  // Lets time pass, answering what `answer` says; the events.
  template <class Answer>
  std::vector<SwimEvent> Run(Duration span, Answer answer) {
    std::vector<SwimEvent> events;
    const MonotonicTime end = now_ + span;
    while (true) {
      SwimOutput out;
      const MonotonicTime next = std::min(swim_.NextWake(), end);
      now_ = std::max(now_, next);
      swim_.Tick(now_, &out);
      for (size_t i = 0; i < out.sends.size(); ++i) {
        const SwimSend send = out.sends[i];
        sent_.push_back(send);
        swim_.OnAnswer(now_, send.id, answer(send), &out);
      }
      events.insert(events.end(), out.events.begin(), out.events.end());
      if (now_ >= end) return events;
    }
  }
  static SwimAnswer Yes(MemberId who) { return {.updates = {{who, Liveness::kAlive, 1, {}, "x:1"}}}; }

  MonotonicTime now_{};
  Swim swim_;
  std::vector<SwimSend> sent_;
};

TEST_F(SwimTest, AnsweredProbesAskNobodyElseAndCoverEveryMember) {
  const auto events = Run(seconds(20), [](const SwimSend& send) { return std::optional(Yes(send.to)); });
  std::map<MemberId, int> pings;
  for (const SwimSend& send : sent_) {
    EXPECT_NE(send.call.kind, SwimKind::kPingReq);
    if (send.call.kind == SwimKind::kPing) ++pings[send.to];
  }
  ASSERT_EQ(pings.size(), 3u);
  for (const auto& [member, count] : pings) EXPECT_GE(count, 5) << member.value();
  for (const SwimEvent& event : events) EXPECT_EQ(event.kind, SwimEventKind::kAlive);
}

// H39: one cut link is no death.
TEST_F(SwimTest, H39_WhatAHelperReachesIsNotSuspected) {
  const auto events = Run(seconds(30), [](const SwimSend& send) -> std::optional<SwimAnswer> {
    if (send.to == kB) return std::nullopt;
    return Yes(send.to);
  });
  int reached = 0;
  for (const SwimEvent& event : events) {
    reached += event.kind == SwimEventKind::kReachedByOthers && event.member == kB ? 1 : 0;
    EXPECT_TRUE(event.kind == SwimEventKind::kAlive || event.kind == SwimEventKind::kReachedByOthers);
  }
  EXPECT_GT(reached, 0);
  EXPECT_TRUE(std::any_of(sent_.begin(), sent_.end(), [](const SwimSend& send) {
    return send.call.kind == SwimKind::kPingReq && send.call.target == kB;
  }));
}

TEST_F(SwimTest, WhoNobodyReachesIsSuspectedThenDeadAndStillAsked) {
  auto answer = [](const SwimSend& send) -> std::optional<SwimAnswer> {
    if (send.to == kB) return std::nullopt;
    SwimAnswer yes = Yes(send.to);
    yes.reached = send.call.kind != SwimKind::kPingReq;
    return yes;
  };
  const auto events = Run(seconds(40), answer);
  std::vector<SwimEventKind> of_b;
  for (const SwimEvent& event : events) {
    if (event.member == kB) of_b.push_back(event.kind);
  }
  EXPECT_EQ(of_b, (std::vector{SwimEventKind::kSuspect, SwimEventKind::kDead}));
  EXPECT_EQ(swim_.health(), 0) << "helpers that said no speak for this node";
  sent_.clear();
  Run(seconds(30), answer);
  const auto to_b = std::count_if(sent_.begin(), sent_.end(), [](const SwimSend& send) { return send.to == kB; });
  EXPECT_GE(to_b, 8);
  for (const SwimSend& send : sent_) {
    if (send.to != kB) continue;
    ASSERT_GE(send.call.updates.size(), 2u) << "it is told that it is held dead";
    EXPECT_EQ(send.call.updates[1].member, kB);
    EXPECT_EQ(send.call.updates[1].liveness, Liveness::kDead);
  }
}

TEST_F(SwimTest, WhoHearsNobodyDoubtsItselfFirst) {
  Run(seconds(10), [](const SwimSend&) { return std::optional<SwimAnswer>(); });
  EXPECT_GT(swim_.health(), 0);
  const int worst = swim_.health();
  Run(seconds(120), [](const SwimSend& send) {
    return std::optional(SwimAnswer{.updates = {{send.to, Liveness::kAlive, 5, {}, "x:1"}}});
  });
  EXPECT_LT(swim_.health(), worst);
  for (MemberId member : {kB, kC, kD}) EXPECT_EQ(swim_.Snapshot()->Of(member), Liveness::kAlive);
}

TEST_F(SwimTest, ARelayAnswersWhatTheTargetDid) {
  for (bool reached : {true, false}) {
    SwimOutput out;
    swim_.OnCall(now_, kB, {.kind = SwimKind::kPingReq, .target = kC, .updates = {}}, 42, &out);
    ASSERT_EQ(out.sends.size(), 1u);
    EXPECT_TRUE(out.responses.empty());
    EXPECT_EQ(out.sends[0].to, kC);
    std::optional<SwimAnswer> answer;
    if (reached) answer = Yes(kC);
    swim_.OnAnswer(now_, out.sends[0].id, answer, &out);
    ASSERT_EQ(out.responses.size(), 1u);
    EXPECT_EQ(out.responses[0].token, 42u);
    EXPECT_EQ(out.responses[0].answer.reached, reached);
  }
  SwimOutput out;
  swim_.OnCall(now_, kB, {.kind = SwimKind::kPingReq, .target = MemberId(77), .updates = {}}, 43, &out);
  ASSERT_EQ(out.responses.size(), 1u);
  EXPECT_FALSE(out.responses[0].answer.reached);
}

TEST_F(SwimTest, ARestartedMemberIsToldTheIncarnationThatItHasToExceed) {
  SwimOutput out;
  swim_.OnCall(now_, kB, {.updates = {{kB, Liveness::kAlive, 8, {}, "old:1"}}}, 1, &out);
  swim_.OnCall(now_, kB, {.updates = {{kB, Liveness::kAlive, 1, {}, "new:1"}}}, 2, &out);
  ASSERT_EQ(out.responses.size(), 2u);
  const std::vector<SwimUpdate>& told = out.responses[1].answer.updates;
  ASSERT_GE(told.size(), 2u);
  EXPECT_EQ(told[1].member, kB);
  EXPECT_EQ(told[1].incarnation, 8u);
}

TEST_F(SwimTest, ForgeriesAreCountedAndReported) {
  SwimOutput out;
  swim_.OnCall(now_, kB, {.updates = {{kSelf, Liveness::kDead, UINT64_MAX, {}, ""}}}, 1, &out);
  EXPECT_EQ(swim_.figures().forged, 1u);
  ASSERT_EQ(out.events.size(), 1u);
  EXPECT_EQ(out.events[0].kind, SwimEventKind::kForged);
  EXPECT_EQ(out.events[0].incarnation, UINT64_MAX) << "what was claimed, not what is so";
  EXPECT_EQ(swim_.table().incarnation(), 1u);
}

}  // namespace
}  // namespace henge
