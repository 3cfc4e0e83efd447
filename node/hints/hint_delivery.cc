// When rounds begin and end; what a round does with its hints is in hint_round.cc.
#include "node/hints/hint_delivery.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace henge {

HintDelivery::HintDelivery(HintDeliveryOptions options, ShardEnvironment environment, HintKeeper& keeper,
                           LocalReplica& replica, BackgroundBudget& budget, RingPtr ring)
    : options_(options),
      env_(environment),
      keeper_(keeper),
      replica_(replica),
      budget_(budget),
      ring_(std::move(ring)) {
  // Timers are the loop's own: posted, as a node is made while no loop runs.
  if (!keeper_.shelf().pending().empty()) {
    NoteFound();
    env_.executor.Post([this] {
      for (const auto& [target, pending] : keeper_.shelf().pending()) Consider(target);
    });
  }
}

HintDelivery::~HintDelivery() { Stop(); }

void HintDelivery::Stop() {
  if (std::exchange(stopped_, true)) return;
  for (auto& [target, course] : courses_) Disarm(&course);
}

void HintDelivery::NoteFound() {
  for (const auto& [target, pending] : keeper_.shelf().pending()) {
    found_.insert(target);
    env_.tracer.Event(Severity::kInfo, "HintsFound",
                      {{"target", uint64_t{target.value()}}, {"hints", pending.count}, {"bytes", pending.bytes}});
  }
}

// The target has another store than when the hints were taken: they are what it lost, in part (H18).
void HintDelivery::NoteReplaced(const Ring& before, const Ring& now) const {
  for (const auto& [target, pending] : keeper_.shelf().pending()) {
    const Member* was = before.state().FindMember(target);
    const Member* is = now.state().FindMember(target);
    if (was == nullptr || is == nullptr || was->store == is->store || was->store == StoreId()) continue;
    env_.tracer.Event(Severity::kInfo, "HintTargetReplaced",
                      {{"target", uint64_t{target.value()}}, {"hints", pending.count}});
  }
}

void HintDelivery::UpdateRing(RingPtr ring) {
  NoteReplaced(*ring_, *ring);
  ring_ = std::move(ring);
  const MonotonicTime now = env_.clock.Now();
  for (const auto& [target, pending] : keeper_.shelf().pending()) {
    Course& course = courses_[target];
    course.check_routes = true;
    // A burst of changes is as many attempts at once: none of them is a reason to wait longer.
    course.backoff = Duration{0};
    course.not_before = now;
    Reconsider(target, &course);
  }
}

void HintDelivery::UpdateLiveness(LivenessPtr liveness) {
  const LivenessPtr before = std::exchange(liveness_, std::move(liveness));
  bool somebody_came = before == nullptr;
  for (const LivenessSnapshot::Entry& entry : liveness_->entries()) {
    const bool was = before == nullptr || before->Of(entry.member) == Liveness::kAlive;
    somebody_came = somebody_came || (!was && entry.liveness == Liveness::kAlive);
  }
  if (!somebody_came) return;
  const MonotonicTime now = env_.clock.Now();
  std::vector<MemberId> targets;
  targets.reserve(courses_.size());
  for (const auto& [target, course] : courses_) targets.push_back(target);
  // To reconsider a course may end it.
  for (MemberId target : targets) {
    Course& course = courses_.at(target);
    const bool came = before != nullptr && before->Of(target) != Liveness::kAlive && IsAlive(target);
    if (!came && !course.check_routes) continue;
    course.backoff = Duration{0};
    course.not_before = now;
    Reconsider(target, &course);
  }
}

void HintDelivery::Consider(MemberId target) {
  Course& course = courses_[target];
  if (course.running || course.armed) return;
  Reconsider(target, &course);
}

void HintDelivery::Reconsider(MemberId target, Course* course) {
  if (stopped_ || course->running) return;
  if (!keeper_.shelf().pending().contains(target)) {
    if (found_.erase(target) > 0) {
      env_.tracer.Event(Severity::kInfo, "FoundHintsGone", {{"target", uint64_t{target.value()}}});
    }
    Disarm(course);
    courses_.erase(target);
    return;
  }
  const MonotonicTime now = env_.clock.Now();
  const bool useful = IsAlive(target) || course->check_routes;
  MonotonicTime when = std::max(course->not_before, useful ? now : now + options_.backoff_max);
  if (course->not_before == MonotonicTime{}) when = std::max(when, now + options_.settle);
  Arm(target, course, when);
}

void HintDelivery::Arm(MemberId target, Course* course, MonotonicTime when) {
  if (course->armed && course->armed_for <= when) return;
  Disarm(course);
  course->armed = true;
  course->armed_for = when;
  course->timer = env_.executor.RunAt(when, [this, target] { Begin(target); });
}

void HintDelivery::Disarm(Course* course) {
  if (std::exchange(course->armed, false)) env_.executor.Cancel(course->timer);
}

void HintDelivery::Begin(MemberId target) {
  Course& course = courses_.at(target);
  course.armed = false;
  if (stopped_ || course.running) return;
  course.running = true;
  const Kind kind = IsAlive(target) ? Kind::kAll : course.check_routes ? Kind::kRoutesOnly : Kind::kProbe;
  course.check_routes = false;
  tasks_.Spawn(Round(target, kind));
}

void HintDelivery::End(MemberId target, Kind kind, bool failed, bool left_some) {
  Course& course = courses_.at(target);
  course.running = false;
  const MonotonicTime now = env_.clock.Now();
  // What goes elsewhere and could not is looked for again, also while the target itself is away.
  course.check_routes = course.check_routes || (left_some && kind != Kind::kProbe);
  if (failed || left_some) {
    course.backoff = std::clamp(course.backoff * 2, options_.backoff_min, options_.backoff_max);
    // So that those who failed together don't come back together.
    const auto jitter =
        Duration(static_cast<int64_t>(static_cast<double>(course.backoff.count()) * env_.random.Unit()));
    course.not_before = now + course.backoff / 2 + jitter / 2;
  } else {
    course.backoff = Duration{0};
    course.not_before = now + options_.settle;
  }
  Reconsider(target, &course);
}

bool HintDelivery::AllAlive(const HintRoute& route) const {
  return std::all_of(route.to.begin(), route.to.end(),
                     [this](MemberId member) { return member == options_.self || IsAlive(member); });
}

void HintDelivery::AddTo(HintFigures* figures) const {
  figures->delivered += delivered_;
  figures->redirected += redirected_;
  figures->dropped += dropped_;
  figures->delivery_failures += failures_;
}

}  // namespace henge
