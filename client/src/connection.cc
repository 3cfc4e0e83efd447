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

}  // namespace

Connection::Connection(IoLoop& loop, CallSink& sink, RandomIds& random, std::string address,
                       SteadyDuration connect_timeout)
    : loop_(loop),
      sink_(sink),
      random_(random),
      address_(std::move(address)),
      connect_timeout_(connect_timeout),
      channel_(MakeChannel(address_, connect_timeout)),
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

bool Connection::Send(CallPtr& call, SteadyTime now, When when) {
  SteadyTime deadline = call->deadline;
  bool sweep_sooner = false;
  {
    std::lock_guard lock(mutex_);
    if (!open_) return false;
    v1::Request* request = AddRequest(call->bytes() + call->bucket.size() + kRequestOverheadBytes);
    FillRequest(*call, now, request);
    request->set_id(in_flight_.Insert(std::move(call), deadline, now));
    if (deadline < sweep_at_) {
      sweep_at_ = deadline;
      sweep_sooner = true;
    }
  }
  if (sweep_sooner) loop_.SweepAt(deadline);
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
  std::vector<CallPtr> expired;
  SteadyTime next;
  {
    std::lock_guard lock(mutex_);
    if (sweep_at_ > now) return sweep_at_;
    SteadyTime oldest_sent;
    sweep_at_ = in_flight_.TakeExpired(now, &expired, &oldest_sent);
    next = sweep_at_;
    // A node that has said nothing since is as good as gone: what else is in flight is tried elsewhere.
    if (!expired.empty() && heard_at_ < oldest_sent && session_ != nullptr) session_->Cancel();
  }
  for (CallPtr& call : expired) sink_.OnExpired(std::move(call), *this);
  return next;
}

}  // namespace henge::sdk
