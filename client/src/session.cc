#include "client/src/session.h"

#include <utility>

#include "client/src/grpc_status.h"

namespace henge::sdk {

Session* Session::Start(IoLoop& loop, v1::Kv::Stub& stub, std::shared_ptr<SessionOwner> owner,
                        SteadyDuration connect_timeout) {
  auto* session = new Session(loop, std::move(owner));
  session->Hold();
  session->Hold();
  session->connect_alarm_.Set(&loop.cq(), ToGprTime(SteadyClock::now() + connect_timeout),
                              static_cast<IoTag*>(&session->connect_timeout_));
  session->stream_ = stub.PrepareAsyncSession(&session->context_, &loop.cq());
  session->stream_->StartCall(static_cast<IoTag*>(&session->started_));
  return session;
}

void Session::Write(const v1::ClientFrame& frame) { stream_->Write(frame, static_cast<IoTag*>(&written_)); }

void Session::Release() {
  if (operations_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

void Session::Read() {
  Hold();
  stream_->Read(&incoming_, static_cast<IoTag*>(&read_));
}

void Session::Finish() {
  if (finishing_) return;
  finishing_ = true;
  Hold();
  stream_->Finish(&status_, static_cast<IoTag*>(&finished_));
}

void Session::OnStarted(bool ok) {
  connect_alarm_.Cancel();
  if (!ok) return Finish();
  connected_ = true;
  Read();
  owner_->OnReady(*this);
}

void Session::OnRead(bool ok) {
  if (!ok) return Finish();
  owner_->OnFrame(*this, incoming_);
  Read();
}

// After a failed write the pending read fails too, and ends the session.
void Session::OnWriteDone(bool ok) {
  if (ok) owner_->OnWritten(*this);
}

void Session::OnFinished(bool) {
  absl::Status why = FromGrpc(status_);
  if (timed_out_) why = absl::UnavailableError("it did not answer in time when connecting");
  if (why.ok()) why = absl::UnavailableError("it closed the connection");
  owner_->OnEnded(*this, std::move(why));
}

void Session::OnConnectTimeout(bool ok) {
  if (!ok || connected_) return;
  timed_out_ = true;
  context_.TryCancel();
}

}  // namespace henge::sdk
