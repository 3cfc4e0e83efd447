// One gRPC stream to one node, from its start to its end. Knows frames, not calls.
//
// Owns itself: it lives until the last operation that it started has come back, then tells its owner and goes. Frames
// are written one at a time, from any thread; all callbacks come on the loop's thread.
#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/async_stream.h>

#include <memory>

#include "absl/status/status.h"
#include "client/src/io_loop.h"
#include "henge/v1/client.grpc.pb.h"

namespace henge::sdk {

class Session;

class SessionOwner {
 public:
  virtual void OnReady(Session& session) = 0;
  virtual void OnFrame(Session& session, v1::ServerFrame& frame) = 0;
  // The frame of the last Write may be used again; another may be written.
  virtual void OnWritten(Session& session) = 0;
  // Nothing more comes. `why` is never OK.
  virtual void OnEnded(Session& session, absl::Status why) = 0;

 protected:
  ~SessionOwner() = default;
};

class Session {
 public:
  // Connects within `connect_timeout`. The owner stays until OnEnded.
  static Session* Start(IoLoop& loop, v1::Kv::Stub& stub, std::shared_ptr<SessionOwner> owner,
                        SteadyDuration connect_timeout);

  // Announces a Write that is about to come: until then the session stays. Under the owner's lock.
  void HoldForWrite() { Hold(); }
  // After HoldForWrite; `frame` must not change until OnWritten.
  void Write(const v1::ClientFrame& frame);

  // The owner no longer wants it; OnEnded comes soon.
  void Cancel() { context_.TryCancel(); }

  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

 private:
  // An operation's tag: calls a member function of the session.
  class Tag final : public IoTag {
   public:
    Tag(Session& session, void (Session::*done)(bool)) : session_(session), done_(done) {}
    void Complete(bool ok) override {
      (session_.*done_)(ok);
      session_.Release();
    }

   private:
    Session& session_;
    void (Session::*done_)(bool);
  };

  Session(IoLoop& loop, std::shared_ptr<SessionOwner> owner) : loop_(loop), owner_(std::move(owner)) {}
  ~Session() = default;

  void Hold() {
    operations_.fetch_add(1, std::memory_order_relaxed);
    loop_.OperationStarts();
  }
  void Release();
  void Read();
  void Finish();

  void OnStarted(bool ok);
  void OnRead(bool ok);
  void OnWriteDone(bool ok);
  void OnFinished(bool ok);
  void OnConnectTimeout(bool ok);

  IoLoop& loop_;
  std::shared_ptr<SessionOwner> owner_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientAsyncReaderWriter<v1::ClientFrame, v1::ServerFrame>> stream_;
  grpc::Alarm connect_alarm_;
  v1::ServerFrame incoming_;
  grpc::Status status_;
  std::atomic<int> operations_{0};
  bool connected_ = false;
  bool timed_out_ = false;
  bool finishing_ = false;

  Tag started_{*this, &Session::OnStarted};
  Tag read_{*this, &Session::OnRead};
  Tag written_{*this, &Session::OnWriteDone};
  Tag finished_{*this, &Session::OnFinished};
  Tag connect_timeout_{*this, &Session::OnConnectTimeout};
};

}  // namespace henge::sdk
