// The server's half of a stream whose calls are served by the shards' loops; the base of the peers' and the clients'.
//
// Frames are read and decoded on gRPC's threads. Replies gather per shard over a turn (ReplyGatherer) and are appended
// as one fragment. The stream lives until gRPC is done with it and no call of it is under way at a shard.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <grpcpp/support/server_callback.h>

#include "absl/status/status.h"
#include "core/runtime/executor.h"
#include "node/grpc/frame_codec.h"
#include "node/grpc/frame_sender.h"

namespace henge {

struct ReplyStreamLimits {
  size_t waiting_bytes_max = size_t{64} << 20;  // of replies that the other side doesn't read: beyond, it is cut off
  size_t waiting_bytes_to_pause = size_t{4} << 20;  // beyond, no further frame is read
  int64_t calls_to_pause = 65536;                   // under way; beyond, no further frame is read
};

class ReplyStream : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>, public FrameSender::Stream {
 public:
  using Reactor = grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>;

  ReplyStream(int shards, ReplyStreamLimits limits);

  // Starts reading; `self` is kept until gRPC is done.
  void Start(std::shared_ptr<ReplyStream> self);

  // Ends the stream with `status`: at once, dropping the replies that wait, or after them.
  void Abort(const absl::Status& status);
  void Finish(const absl::Status& status);
  bool ended() const { return ended_.load(std::memory_order_acquire); }

  // ---- For ReplyGatherer, on the loop of `shard` ----
  std::string& fragment(int shard) { return shards_[shard].fragment; }
  // Sends the fragment, which answers `calls` calls of `bytes` bytes.
  void Flush(int shard, int64_t calls, int64_t bytes);

 protected:
  // One frame, of which the parser has everything. An error ends the stream. One at a time, on gRPC's threads.
  virtual absl::Status OnFrame(FrameParser& parser, const grpc::ByteBuffer& frame) = 0;
  // The stream is over; no frame will follow. Once, on any thread.
  virtual void OnEnded() {}

  // Calls of this frame that went to the shards, and the bytes that they hold.
  void AddInFlight(int64_t calls, int64_t bytes) {
    calls_in_flight_.fetch_add(calls, std::memory_order_relaxed);
    bytes_in_flight_.fetch_add(bytes, std::memory_order_relaxed);
  }
  int64_t calls_in_flight() const { return calls_in_flight_.load(std::memory_order_relaxed); }
  int64_t bytes_in_flight() const { return bytes_in_flight_.load(std::memory_order_relaxed); }
  // Sends what no shard answers.
  void Append(std::string_view fragment);

 private:
  struct alignas(64) PerShard {
    std::string fragment;  // the loop's own
  };

  void OnReadDone(bool ok) final;
  void OnWriteDone(bool ok) final;
  void OnCancel() final;
  void OnDone() final;
  void BeginWrite(const grpc::ByteBuffer* frame) final { StartWrite(frame); }
  void End() final;

  bool HasRoom() const;
  // Reads the next frame if there is room for it; ends the stream if none will follow and all is answered.
  void MaybeRead();
  void SetStatus(const absl::Status& status);

  const ReplyStreamLimits limits_;
  std::vector<PerShard> shards_;
  FrameSender sender_;
  grpc::ByteBuffer incoming_;
  FrameParser parser_;
  std::atomic<int64_t> calls_in_flight_ = 0;
  std::atomic<int64_t> bytes_in_flight_ = 0;
  std::atomic<bool> ended_ = false;
  std::atomic<bool> idle_ = true;  // no read is under way

  std::mutex mutex_;
  // Protected by mutex_:
  bool reading_ = false;
  bool starting_read_ = false;  // StartRead has been called and not returned: Finish must wait
  bool finish_waits_ = false;   // for that
  bool read_ended_ = false;     // no frame will follow
  bool has_status_ = false;
  grpc::Status status_;
  std::shared_ptr<ReplyStream> self_;
};

// The replies of one shard's loop, gathered over a turn. Loop-affine.
class ReplyGatherer {
 public:
  ReplyGatherer(Executor& loop, int shard) : loop_(loop), shard_(shard) {}

  // Where to append a reply to `stream`; it answers one call of `bytes` bytes.
  std::string& Add(const std::shared_ptr<ReplyStream>& stream, int64_t bytes);

 private:
  struct Dirty {
    std::shared_ptr<ReplyStream> stream;
    int64_t calls;
    int64_t bytes;
  };

  void Flush();

  Executor& loop_;
  const int shard_;
  std::vector<Dirty> dirty_;
  std::vector<Dirty> flushing_;
};

}  // namespace henge
