#include "tests/sim/sim_tracer.h"

#include "tests/sim/hazard_marks.h"

namespace henge::sim {
namespace {

TEST(SimTracerTest, KeepsWhatIsSerious) {
  SimScheduler scheduler(1);
  std::vector<SeriousEvent> serious;
  SimTracer tracer(scheduler, "n2", serious);
  scheduler.RunFor(std::chrono::seconds(3));
  tracer.Event(Severity::kWarning, "PeerSlow", {});
  tracer.Event(Severity::kError, "StoreFailed", {{"code", int64_t{-5}}});
  tracer.Event(Severity::kAlarm, "DotCollision", {{"key_hash", uint64_t{9}}, {"where", std::string("merge")}});
  ASSERT_EQ(serious.size(), 2u);
  EXPECT_EQ(serious[0].event, "StoreFailed");
  EXPECT_EQ(serious[1].severity, Severity::kAlarm);
  EXPECT_EQ(serious[1].node, "n2");
  EXPECT_EQ(serious[1].at, SimTime(std::chrono::seconds(3)));
  EXPECT_EQ(serious[1].text, "DotCollision key_hash=9 where=merge");
}

TEST(SimTracerTest, LinesShowTheCoverageMarks) {
  SimScheduler scheduler(1);
  std::vector<SeriousEvent> serious;
  SimTracer tracer(scheduler, "n2", serious);
  MarkCollector marks;
  tracer.ShowLines([&marks](const std::string& line) { marks.OnLine(line); });
  tracer.Event(Severity::kDebug, "BlackoutOfAnotherKind", {{"text", std::string("a Blackout ")}});
  EXPECT_EQ(marks.bits(), 0u) << "the event's whole name, and nothing else of the line";
  tracer.Event(Severity::kDebug, "Blackout", {});
  tracer.Event(Severity::kInfo, "FoundHintsGone", {{"target", uint64_t{3}}});
  for (size_t i = 0; i < kHazardMarks.size(); ++i) {
    const std::string_view event = kHazardMarks[i].event;
    EXPECT_EQ(marks.Hit(i), event == "Blackout" || event == "FoundHintsGone") << event;
  }
}

TEST(SimTracerTest, EveryFieldIsPartOfTheTrace) {
  const auto hash = [](std::string node, Severity severity, uint64_t field) {
    SimScheduler scheduler(1);
    std::vector<SeriousEvent> serious;
    SimTracer(scheduler, std::move(node), serious).Event(severity, "E", {{"f", field}});
    return scheduler.trace().hash();
  };
  const std::set<uint64_t> hashes = {hash("n1", Severity::kInfo, 1), hash("n2", Severity::kInfo, 1),
                                     hash("n1", Severity::kWarning, 1), hash("n1", Severity::kInfo, 2)};
  EXPECT_EQ(hashes.size(), 4u);
}

}  // namespace
}  // namespace henge::sim
