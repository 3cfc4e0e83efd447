#include "tests/sim/sim_client.h"

#include <utility>
#include <vector>

#include "henge/v1/client.pb.h"
#include "node/wire/client_codec.h"

namespace henge::sim {

SimClientServer::SimClientServer(SimNetwork& network, MemberId member, Handler handler)
    : network_(network), here_{HostOf(member), kClientPort}, handler_(std::move(handler)) {
  network_.Attach(here_, this);
}

SimClientServer::~SimClientServer() { network_.Detach(here_); }

void SimClientServer::OnMessage(SimAddress from, ConnectionId connection, std::string bytes) {
  v1::ClientFrame frame;
  if (!frame.ParseFromString(bytes)) {
    ++bad_frames_;
    network_.BreakConnection(from.host, here_.host);
    return;
  }
  for (v1::Request& in : *frame.mutable_requests()) {
    const uint64_t id = in.id();
    absl::StatusOr<ClientRequest> request = ClientRequestFromProto(&in);
    if (!request.ok()) {
      ClientReply refusal;
      refusal.status = request.status();
      refusal.outcome = Outcome::kNotApplied;
      Answer(from, connection, id, std::move(refusal));
      continue;
    }
    handler_(*std::move(request),
             [this, from, connection, id](ClientReply reply) { Answer(from, connection, id, std::move(reply)); });
  }
}

void SimClientServer::Answer(SimAddress to, ConnectionId connection, uint64_t id, ClientReply reply) {
  v1::ServerFrame frame;
  v1::Reply* out = frame.add_replies();
  ClientReplyToProto(std::move(reply), out);
  out->set_id(id);
  network_.Send(here_, to, frame.SerializeAsString(), connection);
}

SimClient::SimClient(SimScheduler& scheduler, SimNetwork& network, HostId host)
    : scheduler_(scheduler), network_(network), here_{host, 0} {
  network_.StartHost(host);
  network_.Attach(here_, this);
}

SimClient::~SimClient() {
  network_.Detach(here_);
  for (auto& [id, call] : calls_) scheduler_.Cancel(call.timer);
}

void SimClient::Call(MemberId to, const ClientRequest& request, Duration timeout, Callback done) {
  const uint64_t id = next_id_++;
  v1::ClientFrame frame;
  v1::Request* out = frame.add_requests();
  ClientRequestToProto(request, out);
  out->set_id(id);
  const auto timer =
      scheduler_.After(timeout, [this, id] { Complete(id, absl::DeadlineExceededError("no reply in time")); });
  const ConnectionId connection = network_.Send(here_, SimAddress{HostOf(to), kClientPort}, frame.SerializeAsString());
  calls_.emplace(id, PendingCall{HostOf(to), connection, timer, std::move(done)});
}

void SimClient::Complete(uint64_t id, absl::StatusOr<ClientReply> reply) {
  auto call = calls_.extract(id);
  if (!call) return;
  scheduler_.Cancel(call.mapped().timer);
  call.mapped().done(std::move(reply));
}

void SimClient::OnMessage(SimAddress, ConnectionId, std::string bytes) {
  v1::ServerFrame frame;
  if (!frame.ParseFromString(bytes)) return;
  for (v1::Reply& in : *frame.mutable_replies()) {
    const uint64_t id = in.id();
    Complete(id, ClientReplyFromProto(&in));
  }
}

void SimClient::OnReset(HostId host, ConnectionId connection) {
  std::vector<uint64_t> broken;
  for (const auto& [id, call] : calls_) {
    if (call.to == host && call.connection == connection) broken.push_back(id);
  }
  for (const uint64_t id : broken) Complete(id, absl::UnavailableError("the connection was refused or broke"));
}

}  // namespace henge::sim
