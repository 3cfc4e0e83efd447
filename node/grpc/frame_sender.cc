#include "node/grpc/frame_sender.h"

#include <utility>

#include <grpcpp/support/slice.h>

namespace henge {

FrameSender::Result FrameSender::Append(std::string_view fragment) {
  {
    std::lock_guard lock(mutex_);
    if (refusing_ || closed_) return Result::kClosed;
    if (writing_) {
      const size_t waiting = waiting_bytes_.load(std::memory_order_relaxed);
      if (waiting + fragment.size() > waiting_bytes_max_) return Result::kFull;
      if (waiting_.empty() || waiting_.back().size() + fragment.size() > kFrameBytesTarget) waiting_.emplace_back();
      waiting_.back().append(fragment);
      waiting_bytes_.store(waiting + fragment.size(), std::memory_order_relaxed);
      return Result::kOk;
    }
    writing_ = true;
  }
  Write(fragment);
  return Result::kOk;
}

void FrameSender::OnWritten(bool ok) {
  std::string next;
  {
    std::lock_guard lock(mutex_);
    if (!ok || (refusing_ && waiting_.empty())) closed_ = true;
    if (closed_ || waiting_.empty()) {
      writing_ = false;
      if (!closed_ || ended_) return;
      ended_ = true;
      waiting_.clear();
      waiting_bytes_.store(0, std::memory_order_relaxed);
    } else {
      next = std::move(waiting_.front());
      waiting_.pop_front();
      waiting_bytes_.store(waiting_bytes_.load(std::memory_order_relaxed) - next.size(), std::memory_order_relaxed);
    }
  }
  if (next.empty()) {
    stream_.End();
  } else {
    Write(next);
  }
}

void FrameSender::Close() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    waiting_.clear();
    waiting_bytes_.store(0, std::memory_order_relaxed);
    if (writing_ || ended_) return;
    ended_ = true;
  }
  stream_.End();
}

void FrameSender::CloseWhenWritten() {
  {
    std::lock_guard lock(mutex_);
    refusing_ = true;
    if (writing_ || ended_) return;
    closed_ = true;
    ended_ = true;
  }
  stream_.End();
}

void FrameSender::Write(std::string_view fragment) {
  grpc::Slice slice(fragment.data(), fragment.size());
  frame_ = grpc::ByteBuffer(&slice, 1);
  stream_.BeginWrite(&frame_);
}

}  // namespace henge
