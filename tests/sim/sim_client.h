// The client port of the simulated world: what henged serves over gRPC on 7400, at message level.
//
// The client's side stands on no loop: it is part of the world, and calls back from events of the scheduler.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "core/runtime/messages.h"
#include "tests/sim/sim_network.h"

namespace henge::sim {

// Serves the clients of one process: parses requests, and hands them to the node. Owned by the process; destroyed after
// its loops were killed.
class SimClientServer final : public SimPort {
 public:
  using ReplyFn = absl::AnyInvocable<void(ClientReply)>;
  // Node::Submit: posts to the loop of the key's shard. Called on no loop, as a thread of gRPC would.
  using Handler = std::function<void(ClientRequest request, ReplyFn reply)>;

  SimClientServer(SimNetwork& network, MemberId member, Handler handler);
  ~SimClientServer() override;
  SimClientServer(const SimClientServer&) = delete;
  SimClientServer& operator=(const SimClientServer&) = delete;

  void OnMessage(SimAddress from, ConnectionId connection, std::string bytes) override;
  // A client that vanished: its answers find no connection, and are dropped.
  void OnReset(HostId, ConnectionId) override {}

  uint64_t bad_frames() const { return bad_frames_; }

 private:
  void Answer(SimAddress to, ConnectionId connection, uint64_t id, ClientReply reply);

  SimNetwork& network_;
  const SimAddress here_;
  const Handler handler_;
  uint64_t bad_frames_ = 0;
};

// One client of the cluster, on a host of its own. Owned by the world.
class SimClient final : public SimPort {
 public:
  // A reply, whatever its status; or what the client sees when there is none: UNAVAILABLE (the connection was refused
  // or broke) or DEADLINE_EXCEEDED. Either way a mutation without a reply may have taken effect, or may yet.
  using Callback = absl::AnyInvocable<void(absl::StatusOr<ClientReply>)>;

  // Starts its host.
  SimClient(SimScheduler& scheduler, SimNetwork& network, HostId host);
  ~SimClient() override;
  SimClient(const SimClient&) = delete;
  SimClient& operator=(const SimClient&) = delete;

  // Sends `request` to `to`; `done` runs exactly once, never inside Call.
  void Call(MemberId to, const ClientRequest& request, Duration timeout, Callback done);

  void OnMessage(SimAddress from, ConnectionId connection, std::string bytes) override;
  void OnReset(HostId host, ConnectionId connection) override;

  HostId host() const { return here_.host; }
  size_t in_flight() const { return calls_.size(); }

 private:
  struct PendingCall {
    HostId to = 0;
    ConnectionId connection = 0;
    SimScheduler::EventId timer;
    Callback done;
  };

  void Complete(uint64_t id, absl::StatusOr<ClientReply> reply);

  SimScheduler& scheduler_;
  SimNetwork& network_;
  const SimAddress here_;
  uint64_t next_id_ = 1;
  std::map<uint64_t, PendingCall> calls_;
};

}  // namespace henge::sim
