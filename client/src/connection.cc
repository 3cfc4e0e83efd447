#include "client/src/connection.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/src/channel.h"
#include "client/src/wire.h"
#include "core/model/limits.h"

namespace henge::sdk {
namespace {

// A frame is closed when it holds this much, well below what a node refuses.
constexpr size_t kFrameBytes = kClientFrameBytesMax / 4;
constexpr int kFrameRequests = kBatchItemsMax;
// What a request takes besides its key, value and context, at most.
constexpr size_t kRequestOverheadBytes = 160;
// Larger frames are freed after use, not kept.
constexpr size_t kSpareFrameBytes = size_t{256} << 10;
constexpr size_t kSpareFrames = 2;

constexpr SteadyDuration kReconnectDelayMin = std::chrono::milliseconds(20);
constexpr SteadyDuration kReconnectDelayMax = std::chrono::milliseconds(1000);
constexpr SteadyDuration kAvoidance = std::chrono::milliseconds(100);
// A node that was struck gets one call in so much time, and that one waits for so long.
constexpr SteadyDuration kTrialInterval = std::chrono::milliseconds(1000);
constexpr SteadyDuration kTrialPatience = std::chrono::milliseconds(100);
// So many calls in a row, and none beside them that succeeded. One may fail for its own key's sake.
constexpr int kFailuresToStrike = 3;

}  // namespace

Connection::Connection(IoLoop& loop, CallSink& sink, RandomIds& random, std::string address,
                       const ClientOptions& options)
    : loop_(loop),
      sink_(sink),
      random_(random),
      address_(std::move(address)),
      connect_timeout_(options.connect_timeout),
      patience_(options.retry.patience > Millis(0) ? SteadyDuration(options.retry.patience) : SteadyDuration::max()),
      attempts_max_(options.retry.attempts_max),
      channel_(MakeChannel(address_, options.connect_timeout)),
      kv_(v1::Kv::NewStub(channel_)),
      admin_(v1::Admin::NewStub(channel_)) {}

void Connection::Start() {
  loop_.Post([self = shared_from_this()] {
    self->loop_.AddSweepable(self);
    self->Connect();
  });
}

void Connection::Connect() {
  std::lock_guard lock(mutex_);
  if (closed_ || session_ != nullptr) return;
  session_ = Session::Start(loop_, *kv_, shared_from_this(), connect_timeout_);
}

void Connection::Close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  open_ = false;
  ready_.store(false, std::memory_order_release);
  if (session_ != nullptr) session_->Cancel();
}

absl::Status Connection::last_error() const {
  std::lock_guard lock(mutex_);
  return last_error_;
}

void Connection::Avoid(SteadyTime now) {
  avoid_until_.store((now + kAvoidance).time_since_epoch().count(), std::memory_order_relaxed);
}

bool Connection::Admits(SteadyTime now) {
  SteadyTime::rep until = avoid_until_.load(std::memory_order_relaxed);
  if (now.time_since_epoch().count() < until) return false;
  if (!struck_.load(std::memory_order_relaxed)) return true;
  // Who comes second goes elsewhere.
  return avoid_until_.compare_exchange_strong(until, (now + kTrialInterval).time_since_epoch().count());
}

SteadyDuration Connection::Patience() const {
  return struck_.load(std::memory_order_relaxed) ? std::min(patience_, kTrialPatience) : patience_;
}

bool Connection::Useless(SteadyTime now) const {
  const SteadyDuration patience = Patience();
  return patience != SteadyDuration::max() && succeeded_at_ <= now - patience;
}

void Connection::Strike(SteadyTime now) {
  struck_.store(true, std::memory_order_relaxed);
  avoid_until_.store((now + kTrialInterval).time_since_epoch().count(), std::memory_order_relaxed);
}

void Connection::NoteSuccess() {
  succeeded_at_ = heard_at_;
  failed_calls_ = 0;
  if (!struck_.load(std::memory_order_relaxed)) return;
  struck_.store(false, std::memory_order_relaxed);
  avoid_until_.store(SteadyTime::min().time_since_epoch().count(), std::memory_order_relaxed);
}

void Connection::NoteFailure(SteadyTime now) {
  if (++failed_calls_ >= kFailuresToStrike && Useless(now)) Strike(now);
}

bool Connection::Send(CallPtr& call, SteadyTime now, When when) {
  SteadyTime due = call->deadline;
  if (call->attempts < attempts_max_ && due - now > Patience()) due = now + Patience();
  bool sweep_sooner = false;
  {
    std::lock_guard lock(mutex_);
    if (!open_) return false;
    v1::Request* request = AddRequest(call->bytes() + call->bucket.size() + kRequestOverheadBytes);
    FillRequest(*call, now, request);
    request->set_id(in_flight_.Insert(std::move(call), due, now));
    if (due < sweep_at_) {
      sweep_at_ = due;
      sweep_sooner = true;
    }
  }
  if (sweep_sooner) loop_.SweepAt(due);
  if (loop_.InLoop()) {
    if (!dirty_) loop_.MarkDirty(shared_from_this());
    dirty_ = true;
  } else if (when == When::kNow) {
    Flush();
  }
  return true;
}

v1::Request* Connection::AddRequest(size_t bytes) {
  bool room = !gathering_.empty() && gathering_.back()->bytes + bytes <= kFrameBytes &&
              gathering_.back()->message.requests_size() < kFrameRequests;
  if (!room) {
    if (spare_.empty()) spare_.push_back(std::make_unique<Frame>());
    gathering_.push_back(std::move(spare_.back()));
    spare_.pop_back();
  }
  gathering_.back()->bytes += bytes;
  return gathering_.back()->message.add_requests();
}

void Connection::Flush() {
  Session* session;
  std::unique_ptr<Frame> frame;
  if (loop_.InLoop()) dirty_ = false;
  {
    std::lock_guard lock(mutex_);
    if (!open_ || writing_ || gathering_.empty()) return;
    writing_ = true;
    frame = std::move(gathering_.front());
    gathering_.pop_front();
    session = session_;
    session->HoldForWrite();
  }
  session->Write(frame->message);
  Retire(std::move(frame));
}

// Its strings keep their storage for the next calls.
void Connection::Retire(std::unique_ptr<Frame> frame) {
  if (frame->bytes > kSpareFrameBytes) return;
  frame->message.Clear();
  frame->bytes = 0;
  std::lock_guard lock(mutex_);
  if (spare_.size() < kSpareFrames) spare_.push_back(std::move(frame));
}

void Connection::OnReady(Session&) {
  {
    std::lock_guard lock(mutex_);
    if (closed_) return;
    open_ = true;
    last_error_ = absl::OkStatus();
    ready_.store(true, std::memory_order_release);
  }
  tried_.store(true, std::memory_order_release);
  sink_.OnReadiness();
}

void Connection::OnWritten(Session& session) {
  std::lock_guard lock(mutex_);
  if (&session != session_) return;
  writing_ = false;
  if (gathering_.empty() || dirty_) return;
  dirty_ = true;
  loop_.MarkDirty(shared_from_this());
}

void Connection::OnFrame(Session&, v1::ServerFrame& frame) {
  heard_at_ = SteadyClock::now();
  failures_ = 0;
  {
    std::lock_guard lock(mutex_);
    for (const v1::Reply& reply : frame.replies()) taken_.push_back(in_flight_.Take(reply.id()));
  }
  for (int i = 0; i < frame.replies_size(); ++i) {
    // None: the call's deadline came first.
    if (taken_[i] != nullptr) sink_.OnReply(std::move(taken_[i]), *this, *frame.mutable_replies(i));
  }
  taken_.clear();
  if (frame.state_version() != 0) sink_.OnStateVersion(frame.state_version());
}

void Connection::OnEnded(Session&, absl::Status why) {
  std::vector<CallPtr> lost;
  absl::Status error = absl::UnavailableError(absl::StrCat(address_, ": ", why.message()));
  {
    std::lock_guard lock(mutex_);
    session_ = nullptr;
    open_ = false;
    ready_.store(false, std::memory_order_release);
    writing_ = false;
    gathering_.clear();
    in_flight_.TakeAll(&lost);
    sweep_at_ = SteadyTime::max();
    last_error_ = error;
  }
  tried_.store(true, std::memory_order_release);
  ++failures_;
  ScheduleReconnect();
  sink_.OnReadiness();
  for (CallPtr& call : lost) sink_.OnLost(std::move(call), *this, error);
}

void Connection::ScheduleReconnect() {
  {
    std::lock_guard lock(mutex_);
    if (closed_) return;
  }
  SteadyDuration ceiling = std::min(kReconnectDelayMin * (int64_t{1} << std::min(failures_, 10)), kReconnectDelayMax);
  SteadyDuration delay = ceiling / 2 + SteadyDuration(random_.Next() % static_cast<uint64_t>(ceiling.count() / 2));
  loop_.RunAt(SteadyClock::now() + delay, [self = shared_from_this()] { self->Connect(); });
}

SteadyTime Connection::Sweep(SteadyTime now) {
  std::vector<CallPtr> due;
  SteadyTime next;
  bool late = false;
  const bool useless = Useless(now);
  const auto keep = [&](const Call& call) {
    if (call.deadline <= now || call.attempts >= attempts_max_) return call.deadline;
    // While others succeed here, it is the call that takes long.
    if (!useless) return std::min(call.deadline, succeeded_at_ + Patience());
    late = true;
    return now;
  };
  {
    std::lock_guard lock(mutex_);
    if (sweep_at_ > now) return sweep_at_;
    SteadyTime oldest_sent;
    sweep_at_ = in_flight_.TakeDue(now, keep, &due, &oldest_sent);
    next = sweep_at_;
    const bool expired = std::any_of(due.begin(), due.end(), [now](const CallPtr& c) { return c->deadline <= now; });
    // A node that has said nothing since is as good as gone: what else is in flight is tried elsewhere.
    if (expired && heard_at_ < oldest_sent && session_ != nullptr) session_->Cancel();
  }
  if (late) Strike(now);
  for (CallPtr& call : due) {
    if (call->deadline <= now) {
      sink_.OnExpired(std::move(call), *this);
    } else {
      sink_.OnLate(std::move(call), *this);
    }
  }
  return next;
}

}  // namespace henge::sdk
