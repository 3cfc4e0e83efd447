#include "node/grpc/peer_link.h"

#include <algorithm>
#include <utility>

#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include "absl/strings/str_cat.h"
#include "node/grpc/channel_settings.h"
#include "node/grpc/frame_codec.h"
#include "node/grpc/frame_sender.h"
#include "node/grpc/status_convert.h"

namespace henge {
namespace {

constexpr char kStreamMethod[] = "/henge.v1.Peer/Stream";

}  // namespace

// One connection. Keeps itself alive until gRPC is done with it.
class PeerLink::Stream : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                         public FrameSender::Stream {
 public:
  Stream(PeerLink& link, uint64_t number)
      : link_(link), number_(number), sender_(*this, link.options_.waiting_bytes_max) {}

  void Start(std::shared_ptr<Stream> self) {
    self_ = std::move(self);
    // Dialling goes on under the stream, at the channel's pace, until Stop cancels it.
    context_.set_wait_for_ready(true);
    link_.stub_.PrepareBidiStreamingCall(&context_, kStreamMethod, {}, this);
    AddHold();
    StartCall();
    StartRead(&incoming_);
    Append(link_.options_.hello);
  }

  uint64_t number() const { return number_; }

  FrameSender::Result Append(std::string_view fragment) {
    const FrameSender::Result result = sender_.Append(fragment);
    link_.waiting_bytes_.store(sender_.waiting_bytes(), std::memory_order_relaxed);
    return result;
  }

  void Cancel() { context_.TryCancel(); }

  void OnReadDone(bool ok) override {
    if (!ok) return sender_.Close();
    if (absl::Status status = Take(); !status.ok()) {
      refusal_ = std::move(status);
      context_.TryCancel();
      return sender_.Close();
    }
    StartRead(&incoming_);
  }

  void OnWriteDone(bool ok) override {
    sender_.OnWritten(ok);
    link_.waiting_bytes_.store(sender_.waiting_bytes(), std::memory_order_relaxed);
  }

  void OnDone(const grpc::Status& status) override {
    std::shared_ptr<Stream> self = std::move(self_);
    link_.OnStreamDone(this, refusal_.ok() ? FromGrpc(status) : refusal_);
  }

  void BeginWrite(const grpc::ByteBuffer* frame) override { StartWrite(frame); }
  void End() override { RemoveHold(); }

 private:
  absl::Status Take() {
    auto* frame = parser_.Parse<v1::PeerFrame>(incoming_);
    if (frame == nullptr) return absl::InternalError("the peer sent bytes that are no frame of this protocol");
    if (frame->has_hello()) {
      if (absl::Status status = link_.OnHello(frame->hello()); !status.ok()) return status;
      greeted_ = true;
    }
    if (!greeted_) return absl::InternalError("the peer answered before it said who it is");
    if (frame->answers_size() > 0) link_.events_.OnAnswers(link_.index_, frame);
    parser_.Clear();
    return absl::OkStatus();
  }

  PeerLink& link_;
  const uint64_t number_;
  grpc::ClientContext context_;
  FrameSender sender_;
  grpc::ByteBuffer incoming_;
  FrameParser parser_;
  bool greeted_ = false;
  absl::Status refusal_;  // ours, of what the peer sent
  std::shared_ptr<Stream> self_;
};

PeerLink::PeerLink(int index, PeerLinkOptions options, PeerLinkEvents& events, Executor& timer_loop, const Clock& clock,
                   Tracer& tracer)
    : index_(index),
      options_(std::move(options)),
      events_(events),
      timer_loop_(timer_loop),
      clock_(clock),
      tracer_(tracer),
      channel_(MakePeerChannel(options_.address)),
      stub_(channel_),
      pause_(options_.pause_min),
      random_(options_.seed) {}

PeerLink::~PeerLink() { Stop(); }

void PeerLink::Connect() { Dial(); }

void PeerLink::Dial() {
  std::shared_ptr<Stream> stream;
  {
    std::lock_guard lock(mutex_);
    if (stopping_ || stream_ != nullptr) return;
    last_error_ = "dialling";
    stream = stream_ = std::make_shared<Stream>(*this, ++streams_);
  }
  stream->Start(stream);
}

void PeerLink::Drop() {
  std::lock_guard lock(mutex_);
  if (stream_ != nullptr && connected()) stream_->Cancel();
}

void PeerLink::Stop() {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  if (stream_ != nullptr) stream_->Cancel();
  idle_.wait(lock, [this] { return stream_ == nullptr; });
}

std::string PeerLink::last_error() {
  std::lock_guard lock(mutex_);
  return last_error_;
}

absl::Status PeerLink::Send(std::string_view fragment, uint64_t* stream) {
  std::shared_ptr<Stream> current;
  {
    std::lock_guard lock(mutex_);
    if (connected()) current = stream_;
  }
  auto result = current == nullptr ? FrameSender::Result::kClosed : current->Append(fragment);
  switch (result) {
    case FrameSender::Result::kOk:
      *stream = current->number();
      return absl::OkStatus();
    case FrameSender::Result::kFull:
      return absl::ResourceExhaustedError(
          absl::StrCat("more than ", options_.waiting_bytes_max, " bytes wait to be sent to ", options_.name));
    case FrameSender::Result::kClosed:
      break;
  }
  return absl::UnavailableError(absl::StrCat("no connection to ", options_.name, " (", options_.address, ")"));
}

absl::Status PeerLink::OnHello(const v1::PeerHello& hello) {
  if (hello.cluster() != options_.cluster.value()) {
    return absl::FailedPreconditionError("a node of another cluster answers at this address");
  }
  if (hello.member() != options_.member.value()) {
    return absl::FailedPreconditionError(absl::StrCat("member ", hello.member(), " answers at this address, not ",
                                                      options_.name, ": check the initial cluster"));
  }
  if (hello.protocol() != kPeerProtocol) {
    return absl::FailedPreconditionError(
        absl::StrCat("the peer speaks protocol ", hello.protocol(), ", this node ", kPeerProtocol));
  }
  {
    std::lock_guard lock(mutex_);
    pause_ = options_.pause_min;
    last_error_.clear();
    reported_error_.clear();
    peer_store_.store(hello.store(), std::memory_order_relaxed);
    connected_.store(true, std::memory_order_release);
  }
  tracer_.Event(Severity::kInfo, "PeerConnected", {{"peer", options_.name}, {"address", options_.address}});
  return absl::OkStatus();
}

void PeerLink::OnStreamDone(Stream* stream, const absl::Status& why) {
  const bool was_connected = connected_.exchange(false, std::memory_order_acq_rel);
  waiting_bytes_.store(0, std::memory_order_relaxed);
  events_.OnBroken(index_, stream->number(), why);
  if (why.code() == absl::StatusCode::kAlreadyExists) events_.OnRefusedAsSecond(index_);
  if (why.code() == absl::StatusCode::kPermissionDenied) events_.OnGivenUp(index_, std::string(why.message()));
  std::lock_guard lock(mutex_);
  last_error_ = why.ToString();
  if (!stopping_) {
    if (was_connected || last_error_ != reported_error_) Report(why);
    DialAfterPause();
  }
  stream_ = nullptr;
  idle_.notify_all();
}

void PeerLink::Report(const absl::Status& why) {
  // What no further attempt can mend is an operator's business.
  const bool refused = why.code() == absl::StatusCode::kFailedPrecondition ||
                       why.code() == absl::StatusCode::kAlreadyExists ||
                       why.code() == absl::StatusCode::kPermissionDenied;
  tracer_.Event(refused ? Severity::kAlarm : Severity::kWarning, refused ? "PeerRefused" : "PeerDisconnected",
                {{"peer", options_.name}, {"address", options_.address}, {"why", last_error_}});
  reported_error_ = last_error_;
}

// With mutex_ held, so that Stop can't return between: afterwards the loop may be gone.
void PeerLink::DialAfterPause() {
  const Duration pause(static_cast<int64_t>(static_cast<double>(pause_.count()) * (0.5 + random_.Unit())));
  pause_ = std::min(pause_ * 2, options_.pause_max);
  timer_loop_.Post([this, when = clock_.Now() + pause] { timer_loop_.RunAt(when, [this] { Dial(); }); });
}

}  // namespace henge
