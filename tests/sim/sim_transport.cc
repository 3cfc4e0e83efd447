#include "tests/sim/sim_transport.h"

#include <string>

#include "core/runtime/check.h"
#include "node/wire/peer_codec.h"
#include "node/wire/wire_util.h"

namespace henge::sim {
namespace {

// A frame that grows beyond this is closed; one call may be larger by itself.
constexpr size_t kFrameBytesSoftMax = size_t{1} << 20;

std::string NameOf(MemberId member) { return "member " + std::to_string(member.value()); }

}  // namespace

SimTransport::SimTransport(SimNetwork& network, SimExecutor& loop, const SimClock& clock, SimRandom random,
                           SimTransportOptions options)
    : network_(network), loop_(loop), clock_(clock), random_(std::move(random)), options_(std::move(options)) {
  network_.Attach(here(), this);
}

SimTransport::~SimTransport() { network_.Detach(here()); }

void SimTransport::Call(MemberId to, PeerRequest request, MonotonicTime deadline, Callback done) {
  HENGE_CHECK(to != options_.self);
  ++figures_.calls;
  const PartitionId partition = PartitionOfRequest(request);
  v1::PeerCall call;
  PeerRequestToProto(std::move(request), deadline - clock_.Now(), &call);
  const size_t bytes = call.ByteSizeLong();
  absl::Status refusal = Refusal(to, bytes);
  if (refusal.ok() && deadline <= clock_.Now()) {
    refusal = absl::DeadlineExceededError("the deadline was over before the call to " + NameOf(to));
  }
  if (!refusal.ok()) {
    loop_.Post([refusal = std::move(refusal), done = std::move(done)]() mutable { done(std::move(refusal)); });
    return;
  }
  const uint64_t id = next_id_++;
  call.set_id(id);
  PeerLoad& load = load_[to];
  ++load.calls;
  load.bytes += bytes;
  const TimerId timer = loop_.RunAt(
      deadline, [this, id, to] { Complete(id, absl::DeadlineExceededError("no answer in time from " + NameOf(to))); });
  pending_.emplace(id, PendingCall{to, 0, bytes, timer, std::move(done)});
  const int shard = options_.shard_of(to, partition);
  calls_out_[SimAddress{HostOf(to), static_cast<uint32_t>(shard)}].push_back(std::move(call));
  FlushLater();
}

absl::Status SimTransport::Refusal(MemberId to, size_t bytes) {
  const PeerLoad& load = load_[to];
  if (load.calls >= options_.calls_max || load.bytes + bytes > options_.bytes_max) {
    return absl::ResourceExhaustedError("the queue to " + NameOf(to) + " is full");
  }
  if (clock_.Now() < load.connect_again_at) return absl::UnavailableError("no connection to " + NameOf(to));
  return absl::OkStatus();
}

void SimTransport::Complete(uint64_t id, absl::StatusOr<PeerReply> reply) {
  auto call = pending_.extract(id);
  if (!call) {
    ++figures_.late_replies;
    return;
  }
  loop_.Cancel(call.mapped().timer);
  PeerLoad& load = load_[call.mapped().to];
  --load.calls;
  load.bytes -= call.mapped().bytes;
  call.mapped().done(std::move(reply));
}

void SimTransport::FlushLater() {
  if (std::exchange(flush_deferred_, true)) return;
  loop_.AtTurnEnd(TurnPhase::kSend, [this] {
    flush_deferred_ = false;
    Flush();
  });
}

template <class Item, class Append>
std::vector<v1::PeerFrame> SimTransport::MakeFrames(std::vector<Item> items, Append append) {
  const bool one_by_one = random_.OneIn(4);
  std::vector<v1::PeerFrame> frames;
  size_t bytes = 0;
  for (Item& item : items) {
    if (frames.empty() || one_by_one || bytes > kFrameBytesSoftMax) {
      frames.emplace_back();
      bytes = 0;
    }
    bytes += item.ByteSizeLong();
    append(&frames.back(), std::move(item));
  }
  return frames;
}

void SimTransport::Flush() {
  for (auto& [to, calls] : std::exchange(calls_out_, {})) {
    const auto append = [](v1::PeerFrame* frame, v1::PeerCall call) { *frame->add_calls() = std::move(call); };
    for (const v1::PeerFrame& frame : MakeFrames(std::move(calls), append)) {
      const ConnectionId connection = network_.Send(here(), to, frame.SerializeAsString());
      for (const v1::PeerCall& call : frame.calls()) {
        if (const auto pending = pending_.find(call.id()); pending != pending_.end()) {
          pending->second.connection = connection;
        }
      }
    }
  }
  for (auto& [route, answers] : std::exchange(answers_out_, {})) {
    const auto append = [](v1::PeerFrame* frame, v1::PeerAnswer answer) { *frame->add_answers() = std::move(answer); };
    for (const v1::PeerFrame& frame : MakeFrames(std::move(answers), append)) {
      network_.Send(here(), route.first, frame.SerializeAsString(), route.second);
    }
  }
}

void SimTransport::OnMessage(SimAddress from, ConnectionId connection, std::string bytes) {
  v1::PeerFrame frame;
  if (!frame.ParseFromString(bytes)) {
    ++figures_.bad_frames;
    network_.BreakConnection(from.host, here().host);
    return;
  }
  const MonotonicTime now = clock_.Now();
  for (v1::PeerCall& in : *frame.mutable_calls()) {
    IncomingCall call{in.id(), now + BudgetFromWire(in.budget_us()), PeerRequestFromProto(&in)};
    loop_.Post([this, route = AnswerRoute{from, connection}, call = std::move(call)]() mutable {
      ServeCall(route, std::move(call));
    });
  }
  for (v1::PeerAnswer& in : *frame.mutable_answers()) {
    IncomingAnswer answer{in.id(), PeerReplyFromProto(&in)};
    loop_.Post([this, answer = std::move(answer)]() mutable { Complete(answer.id, std::move(answer.reply)); });
  }
}

void SimTransport::ServeCall(AnswerRoute route, IncomingCall call) {
  ++figures_.served;
  if (!call.request.ok()) {
    Answer(route, call.id, call.request.status());
    return;
  }
  if (handler_ == nullptr) {
    Answer(route, call.id, absl::UnavailableError(NameOf(options_.self) + " is starting"));
    return;
  }
  handler_->Handle(
      MemberId(route.first.host), *std::move(call.request), call.deadline,
      [this, route, id = call.id](absl::StatusOr<PeerReply> reply) { Answer(route, id, std::move(reply)); });
}

void SimTransport::Answer(AnswerRoute route, uint64_t id, absl::StatusOr<PeerReply> reply) {
  v1::PeerAnswer answer;
  PeerReplyToProto(std::move(reply), &answer);
  answer.set_id(id);
  answers_out_[route].push_back(std::move(answer));
  FlushLater();
}

void SimTransport::OnReset(HostId host, ConnectionId connection) {
  loop_.Post([this, host, connection] {
    const MemberId peer(host);
    load_[peer].connect_again_at = clock_.Now() + random_.Between(Duration(0), options_.reconnect_delay_max);
    std::vector<uint64_t> broken;
    for (const auto& [id, call] : pending_) {
      if (call.to == peer && call.connection == connection) broken.push_back(id);
    }
    figures_.broken_calls += broken.size();
    for (const uint64_t id : broken) {
      Complete(id, absl::UnavailableError("the connection to " + NameOf(peer) + " broke"));
    }
  });
}

}  // namespace henge::sim
