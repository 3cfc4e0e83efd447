// The way to one node: gathers calls into frames, matches replies to calls, and reconnects for as long as it is wanted.
//
// Thread-safe. Kept by the NodePool, and by its session while one is under way. While a frame is being written, calls
// gather into the next one; the IO loop's own calls leave together at the end of its turn. No call completes under the
// lock.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "client/src/call.h"
#include "client/src/in_flight_table.h"
#include "client/src/io_loop.h"
#include "client/src/random_ids.h"
#include "client/src/session.h"
#include "henge/v1/admin.grpc.pb.h"

namespace henge::sdk {

class Connection;

// What becomes of calls. Everything runs on the connection's loop.
class CallSink {
 public:
  // The sink takes what it wants out of `reply`.
  virtual void OnReply(CallPtr call, Connection& from, v1::Reply& reply) = 0;
  // The connection ended under the call.
  virtual void OnLost(CallPtr call, Connection& from, const absl::Status& why) = 0;
  virtual void OnExpired(CallPtr call, Connection& from) = 0;
  // The node has been silent, or of no use, for as long as the call may wait for it.
  virtual void OnLate(CallPtr call, Connection& from) = 0;
  // A frame named this version of the cluster state.
  virtual void OnStateVersion(uint64_t version) = 0;
  // An attempt to connect ended, or a stream.
  virtual void OnReadiness() = 0;

 protected:
  ~CallSink() = default;
};

class Connection final : public SessionOwner,
                         public Flushable,
                         public Sweepable,
                         public std::enable_shared_from_this<Connection> {
 public:
  Connection(IoLoop& loop, CallSink& sink, RandomIds& random, std::string address, const ClientOptions& options);

  // Begins to connect; once, before other threads see it.
  void Start();
  // Nothing more is sent or completed; what is in flight is lost. It can't be started again.
  void Close();

  const std::string& address() const { return address_; }
  IoLoop& loop() { return loop_; }
  // A hint: the stream stands.
  bool ready() const { return ready_.load(std::memory_order_acquire); }
  // Whether at least one attempt to connect has ended, well or not.
  bool tried() const { return tried_.load(std::memory_order_acquire); }
  // Why it is not ready, for people.
  absl::Status last_error() const;

  // The node refuses calls: others are preferred for a short while.
  void Avoid(SteadyTime now);
  // Whether a call may go here now rather than elsewhere. Of a node that was struck, one call at a time finds out
  // whether it is back: true counts as that call.
  bool Admits(SteadyTime now);
  // On the loop's thread: a call was answered as it wished; or as if the node could reach nobody.
  void NoteSuccess();
  void NoteFailure(SteadyTime now);

  enum class When { kNow, kWithFlush };
  // Takes `call` into the next frame and returns true; false, and it stays, if the connection isn't ready. With
  // kWithFlush the caller calls Flush() after some of these. On the loop's thread, the turn's end flushes in any case.
  bool Send(CallPtr& call, SteadyTime now, When when);
  void Flush() override;

  v1::Kv::Stub& kv() { return *kv_; }
  v1::Admin::Stub& admin() { return *admin_; }

  SteadyTime Sweep(SteadyTime now) override;

 private:
  struct Frame {
    v1::ClientFrame message;
    size_t bytes = 0;
  };

  // How long a call that is sent now waits before the node is doubted; max() = to its end.
  SteadyDuration Patience() const;
  // Whether nothing has succeeded for so long.
  bool Useless(SteadyTime now) const;
  // Others are preferred until a call succeeds here.
  void Strike(SteadyTime now);
  void Connect();
  void ScheduleReconnect();
  v1::Request* AddRequest(size_t bytes);
  void Retire(std::unique_ptr<Frame> frame);

  void OnReady(Session& session) override;
  void OnFrame(Session& session, v1::ServerFrame& frame) override;
  void OnWritten(Session& session) override;
  void OnEnded(Session& session, absl::Status why) override;

  IoLoop& loop_;
  CallSink& sink_;
  RandomIds& random_;
  const std::string address_;
  const SteadyDuration connect_timeout_;
  const SteadyDuration patience_;
  const int attempts_max_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::Kv::Stub> kv_;
  const std::unique_ptr<v1::Admin::Stub> admin_;
  std::atomic<bool> ready_{false};
  std::atomic<bool> tried_{false};
  std::atomic<bool> struck_{false};
  std::atomic<SteadyTime::rep> avoid_until_{SteadyTime::min().time_since_epoch().count()};

  // On the loop's thread only.
  int failures_ = 0;  // connects since the last that a node answered on
  bool dirty_ = false;
  SteadyTime heard_at_ = SteadyTime::min();
  SteadyTime succeeded_at_ = SteadyTime::min();
  int failed_calls_ = 0;  // since the last that succeeded
  std::vector<CallPtr> taken_;

  // Guarded by mutex_.
  mutable std::mutex mutex_;
  Session* session_ = nullptr;
  bool open_ = false;  // calls may be sent
  bool closed_ = false;
  bool writing_ = false;
  std::deque<std::unique_ptr<Frame>> gathering_;  // the last one is open
  std::vector<std::unique_ptr<Frame>> spare_;
  InFlightTable in_flight_;
  SteadyTime sweep_at_ = SteadyTime::max();
  absl::Status last_error_;
};

}  // namespace henge::sdk
