// The connection to one peer: one long-lived stream, dialled again for ever, shared by all shards.
//
// Thread-safe; owned by the hub. A connection is up when the peer has answered our hello with its own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include <grpcpp/channel.h>
#include <grpcpp/generic/generic_stub.h>

#include "absl/status/status.h"
#include "core/model/ids.h"
#include "core/runtime/clock.h"
#include "core/runtime/executor.h"
#include "core/runtime/tracer.h"
#include "core/runtime/xoshiro.h"
#include "henge/v1/peer.pb.h"

namespace henge {

struct PeerLinkOptions {
  MemberId member;  // who is at the other end
  std::string name;
  std::string address;
  std::string hello;  // the first fragment of every connection
  ClusterId cluster;
  size_t waiting_bytes_max = size_t{32} << 20;
  Duration pause_min = std::chrono::milliseconds(50);  // between connections that the peer ends
  Duration pause_max = std::chrono::seconds(2);
  uint64_t seed = 0;  // of the pauses' jitter
};

// What a link tells its hub; on gRPC's threads.
class PeerLinkEvents {
 public:
  virtual ~PeerLinkEvents() = default;
  virtual void OnAnswers(int peer, v1::PeerFrame* frame) = 0;
  // Connection `stream` is gone, with all that it has not answered.
  virtual void OnBroken(int peer, uint64_t stream, const absl::Status& why) = 0;
  // The peer knows another live process of this member (H5).
  virtual void OnRefusedAsSecond(int peer) = 0;
  // The peer goes by a cluster that was recovered without this member (P32).
  virtual void OnGivenUp(int peer, const std::string& why) = 0;
};

class PeerLink {
 public:
  // `index` is the hub's number of this peer. `timer_loop` runs the pauses; it outlives the link or has ended.
  PeerLink(int index, PeerLinkOptions options, PeerLinkEvents& events, Executor& timer_loop, const Clock& clock,
           Tracer& tracer);
  ~PeerLink();
  PeerLink(const PeerLink&) = delete;
  PeerLink& operator=(const PeerLink&) = delete;

  void Connect();
  // Breaks the connection, if there is one; it is dialled again. Any thread.
  void Drop();
  // Ends the connection and dials no more; returns when no callback is under way or will come. Blocks.
  void Stop();

  const PeerLinkOptions& options() const { return options_; }
  bool connected() const { return connected_.load(std::memory_order_acquire); }
  // Of what waits for the write under way; 0 without a connection.
  size_t waiting_bytes() const { return waiting_bytes_.load(std::memory_order_relaxed); }
  // Why there is no connection, for people.
  std::string last_error();
  StoreId peer_store() const { return StoreId(peer_store_.load(std::memory_order_relaxed)); }

  // Sends a fragment of calls; `*stream` names the connection. UNAVAILABLE: none. RESOURCE_EXHAUSTED: too much waits.
  absl::Status Send(std::string_view fragment, uint64_t* stream);

 private:
  class Stream;

  void Dial();
  void DialAfterPause();
  absl::Status OnHello(const v1::PeerHello& hello);
  void OnStreamDone(Stream* stream, const absl::Status& why);
  void Report(const absl::Status& why);

  const int index_;
  const PeerLinkOptions options_;
  PeerLinkEvents& events_;
  Executor& timer_loop_;
  const Clock& clock_;
  Tracer& tracer_;
  std::shared_ptr<grpc::Channel> channel_;
  grpc::TemplatedGenericStub<grpc::ByteBuffer, grpc::ByteBuffer> stub_;
  std::atomic<bool> connected_ = false;
  std::atomic<size_t> waiting_bytes_ = 0;
  std::atomic<uint64_t> peer_store_ = 0;

  std::mutex mutex_;
  std::condition_variable idle_;
  // Protected by mutex_:
  std::shared_ptr<Stream> stream_;
  uint64_t streams_ = 0;  // how many there have been: the number of the newest
  bool stopping_ = false;
  Duration pause_;
  std::string last_error_ = "not dialled yet";
  std::string reported_error_;  // what the log said last of this peer
  Xoshiro random_;
};

}  // namespace henge
