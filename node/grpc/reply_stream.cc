#include "node/grpc/reply_stream.h"

#include <utility>

#include "node/grpc/status_convert.h"

namespace henge {
namespace {

constexpr size_t kReplyFragmentBytesKept = size_t{256} << 10;

}  // namespace

ReplyStream::ReplyStream(int shards, ReplyStreamLimits limits)
    : limits_(limits), shards_(shards), sender_(*this, limits.waiting_bytes_max) {}

void ReplyStream::Start(std::shared_ptr<ReplyStream> self) {
  self_ = std::move(self);
  MaybeRead();
}

void ReplyStream::Abort(const absl::Status& status) {
  SetStatus(status);
  sender_.Close();
}

void ReplyStream::Finish(const absl::Status& status) {
  SetStatus(status);
  sender_.CloseWhenWritten();
}

void ReplyStream::SetStatus(const absl::Status& status) {
  std::lock_guard lock(mutex_);
  if (std::exchange(has_status_, true)) return;
  status_ = ToGrpc(status);
}

void ReplyStream::Append(std::string_view fragment) {
  if (sender_.Append(fragment) == FrameSender::Result::kFull) {
    Abort(absl::ResourceExhaustedError("the replies of this stream are not being read: it is cut off"));
  }
}

void ReplyStream::Flush(int shard, int64_t calls, int64_t bytes) {
  std::string& fragment = shards_[shard].fragment;
  Append(fragment);
  fragment.clear();
  if (fragment.capacity() > kReplyFragmentBytesKept) fragment.shrink_to_fit();
  calls_in_flight_.fetch_sub(calls, std::memory_order_acq_rel);
  bytes_in_flight_.fetch_sub(bytes, std::memory_order_relaxed);
  if (idle_.load(std::memory_order_acquire)) MaybeRead();
}

bool ReplyStream::HasRoom() const {
  return sender_.waiting_bytes() <= limits_.waiting_bytes_to_pause &&
         calls_in_flight_.load(std::memory_order_acquire) <= limits_.calls_to_pause;
}

void ReplyStream::MaybeRead() {
  bool all_answered = false;
  {
    std::lock_guard lock(mutex_);
    if (reading_ || ended_.load(std::memory_order_relaxed)) return;
    if (read_ended_) {
      if (calls_in_flight_.load(std::memory_order_acquire) > 0) return;
      all_answered = true;
    } else {
      if (!HasRoom()) return;
      reading_ = starting_read_ = true;
      idle_.store(false, std::memory_order_release);
    }
  }
  if (all_answered) return Finish(absl::OkStatus());
  StartRead(&incoming_);
  bool finish;
  {
    std::lock_guard lock(mutex_);
    starting_read_ = false;
    finish = std::exchange(finish_waits_, false);
  }
  if (finish) Reactor::Finish(status_);
}

void ReplyStream::OnReadDone(bool ok) {
  absl::Status status;
  if (ok && !ended()) status = OnFrame(parser_, incoming_);
  parser_.Clear();
  if (!status.ok()) Finish(status);
  {
    std::lock_guard lock(mutex_);
    reading_ = false;
    if (!ok) read_ended_ = true;
    idle_.store(true, std::memory_order_release);
  }
  MaybeRead();
}

void ReplyStream::OnWriteDone(bool ok) {
  sender_.OnWritten(ok);
  if (idle_.load(std::memory_order_acquire)) MaybeRead();
}

void ReplyStream::OnCancel() { Abort(absl::CancelledError("the stream was cancelled")); }

void ReplyStream::End() {
  ended_.store(true, std::memory_order_release);
  OnEnded();
  {
    std::lock_guard lock(mutex_);
    if (!has_status_) status_ = grpc::Status(grpc::StatusCode::UNAVAILABLE, "the stream broke");
    has_status_ = true;
    if (starting_read_) {
      finish_waits_ = true;
      return;
    }
  }
  Reactor::Finish(status_);
}

void ReplyStream::OnDone() { std::shared_ptr<ReplyStream> self = std::move(self_); }

std::string& ReplyGatherer::Add(const std::shared_ptr<ReplyStream>& stream, int64_t bytes) {
  // Nearly always the one that was answered last, or one of a few.
  for (size_t i = dirty_.size(); i > 0; --i) {
    Dirty& dirty = dirty_[i - 1];
    if (dirty.stream != stream) continue;
    ++dirty.calls;
    dirty.bytes += bytes;
    return stream->fragment(shard_);
  }
  if (dirty_.empty()) loop_.AtTurnEnd(TurnPhase::kSend, [this] { Flush(); });
  dirty_.push_back({stream, 1, bytes});
  return stream->fragment(shard_);
}

void ReplyGatherer::Flush() {
  flushing_.swap(dirty_);
  for (Dirty& dirty : flushing_) dirty.stream->Flush(shard_, dirty.calls, dirty.bytes);
  flushing_.clear();
}

}  // namespace henge
