// The outgoing half of one stream: what is appended while a frame is being written goes out together as the next one.
//
// Thread-safe. A fragment is the encoding of some fields of the frame message; an encoded message followed by another
// is the encoding of both merged, so that fragments become a frame by being put side by side.
#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>

#include <grpcpp/support/byte_buffer.h>

namespace henge {

// How much one frame gathers. A single fragment may be larger.
inline constexpr size_t kFrameBytesTarget = size_t{1} << 20;

class FrameSender {
 public:
  // The stream below. Not called with the sender's lock held.
  class Stream {
   public:
    virtual ~Stream() = default;
    // Starts writing `frame`, which stays as it is until OnWritten. One at a time.
    virtual void BeginWrite(const grpc::ByteBuffer* frame) = 0;
    // No write is under way and none will follow. Once; the sender is not used by itself afterwards.
    virtual void End() = 0;
  };

  enum class Result { kOk, kFull, kClosed };

  // `waiting_bytes_max`: of what waits for the write under way.
  FrameSender(Stream& stream, size_t waiting_bytes_max) : stream_(stream), waiting_bytes_max_(waiting_bytes_max) {}
  FrameSender(const FrameSender&) = delete;
  FrameSender& operator=(const FrameSender&) = delete;

  // kFull, kClosed: nothing was taken.
  Result Append(std::string_view fragment);
  // The write under way has ended; !ok: the stream is broken.
  void OnWritten(bool ok);
  // Drops what waits; Stream::End() runs as soon as no write is under way. Again is a no-op.
  void Close();
  // Takes nothing more; closes once what waits is written.
  void CloseWhenWritten();

  size_t waiting_bytes() const { return waiting_bytes_.load(std::memory_order_relaxed); }

 private:
  void Write(std::string_view fragment);

  Stream& stream_;
  const size_t waiting_bytes_max_;
  std::atomic<size_t> waiting_bytes_ = 0;  // changed under mutex_
  grpc::ByteBuffer frame_;                 // of who set writing_

  std::mutex mutex_;
  // Protected by mutex_:
  std::deque<std::string> waiting_;
  bool writing_ = false;
  bool refusing_ = false;  // takes nothing more
  bool closed_ = false;    // writes nothing more
  bool ended_ = false;     // End() was called, or is about to be
};

}  // namespace henge
