// The network of the simulated world, at message level: strings of bytes between ports of hosts.
//
// A host is a member's machine or a client's. Between two hosts there is at most one connection at a time; it breaks
// when an end stops or BreakConnection() is called, and the next message opens another. A message belongs to the
// connection that it was sent on: if that is gone when it arrives, or nobody listens, it is dropped and the sender's
// host is told so (a reset), unless that notice is lost too. Nothing promises order.
//
// Owned by the world. One event delivers one message.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "core/model/ids.h"
#include "tests/sim/sim_scheduler.h"

namespace henge::sim {

using HostId = uint32_t;
inline constexpr HostId kFirstClientHost = 1'000'000;
constexpr HostId HostOf(MemberId member) { return member.value(); }
constexpr HostId ClientHost(int client) { return kFirstClientHost + static_cast<HostId>(client); }

// Where messages go: a port of a host. Shards listen on their number.
struct SimAddress {
  HostId host = 0;
  uint32_t port = 0;
  auto operator<=>(const SimAddress&) const = default;
};
inline constexpr uint32_t kClientPort = 7400;

using ConnectionId = uint64_t;  // never used again; 0 = none

// Who listens. Called from events of the scheduler, never from inside Send(). Runs on no loop: it decodes and posts.
class SimPort {
 public:
  virtual ~SimPort() = default;
  virtual void OnMessage(SimAddress from, ConnectionId connection, std::string bytes) = 0;
  // `connection` to `host` is gone: what was sent on it and not answered may or may not have arrived.
  virtual void OnReset(HostId host, ConnectionId connection) = 0;
};

// What one direction between two hosts does to messages.
struct SimLinkOptions {
  Duration delay_min = std::chrono::microseconds(50);
  Duration delay_mean = std::chrono::microseconds(200);  // beyond the minimum, exponential
  double loss = 0;                                       // chances for each message
  double duplicate = 0;
  double reorder = 0;  // delayed by up to reorder_delay_max more, so that later ones overtake it
  Duration reorder_delay_max = std::chrono::milliseconds(20);
};

struct SimNetworkFigures {
  uint64_t sent = 0, delivered = 0, lost = 0, cut = 0, filtered = 0, duplicated = 0, reordered = 0, refused = 0;
  uint64_t resets = 0;
};

class SimNetwork {
 public:
  SimNetwork(SimScheduler& scheduler, SimRandom random, SimLinkOptions links)
      : scheduler_(scheduler), random_(std::move(random)), default_link_(links) {}
  SimNetwork(const SimNetwork&) = delete;
  SimNetwork& operator=(const SimNetwork&) = delete;

  // ---- for the hosts -----------------------------------------------------------------------------------------------

  // Listens; one port an address. The port must be detached before it dies.
  void Attach(SimAddress address, SimPort* port);
  void Detach(SimAddress address);

  // The connection that a message from `a` to `b` sent now would travel on.
  ConnectionId ConnectionBetween(HostId a, HostId b);
  // Sends on the present connection, or on `only_on` if that still stands (an answer): else the message is dropped.
  // Returns the connection that it was sent on; 0 if none.
  ConnectionId Send(SimAddress from, SimAddress to, std::string bytes, ConnectionId only_on = 0);

  // ---- for the world: hosts ----------------------------------------------------------------------------------------

  // A host that was never started, or has stopped, refuses what is sent to it.
  void StartHost(HostId host);
  enum class StopKind {
    kProcess,  // the system lives on: connections are reset, later messages refused
    kMachine,  // silence: what is sent there is never answered
  };
  void StopHost(HostId host, StopKind kind);
  // Breaks the connection as a reset in the middle of the network does: both ends are told.
  void BreakConnection(HostId a, HostId b);

  // ---- for the world: faults ---------------------------------------------------------------------------------------

  // A cut direction drops all that is sent, or arrives, while it lasts.
  void Cut(HostId from, HostId to) { cuts_.insert({from, to}); }
  void Mend(HostId from, HostId to) { cuts_.erase({from, to}); }
  bool IsCut(HostId from, HostId to) const { return cuts_.contains({from, to}); }
  // Holds back what would arrive before `until`.
  void Clog(HostId from, HostId to, SimTime until) { clogs_[{from, to}] = until; }
  void SetDefaultLink(SimLinkOptions link) { default_link_ = link; }
  void SetLink(HostId from, HostId to, SimLinkOptions link) { links_[{from, to}] = link; }
  // Every direction is again what the default is.
  void ResetLinks() { links_.clear(); }
  // Drops what `drop` returns true for, for tests of one message; null = none.
  using Filter = std::function<bool(SimAddress from, SimAddress to, const std::string& bytes)>;
  void SetFilter(Filter drop) { filter_ = std::move(drop); }
  // The heal: no cut, no clog, no filter, no loss, no duplicate, no reordering; delays stay.
  void Heal();

  const SimNetworkFigures& figures() const { return figures_; }

 private:
  using Direction = std::pair<HostId, HostId>;
  enum class HostState { kDown, kUp, kSilent };
  struct Message {
    SimAddress from, to;
    ConnectionId connection;
    std::string bytes;
  };

  HostState StateOf(HostId host) const;
  const SimLinkOptions& LinkOf(Direction direction) const;
  Duration DelayOf(Direction direction);
  // Ends the connections of `host`, or only the one with `other`, and tells the ends in `tell`.
  void EndConnection(Direction pair, ConnectionId* connection, std::initializer_list<HostId> tell);
  void Deliver(Message message);
  void Refuse(const Message& message);
  void SendReset(HostId to, HostId about, ConnectionId connection);
  void Trace(std::string_view what, const Message& message);

  SimScheduler& scheduler_;
  SimRandom random_;
  SimLinkOptions default_link_;
  std::map<Direction, SimLinkOptions> links_;
  std::map<SimAddress, SimPort*> ports_;
  std::map<HostId, HostState> hosts_;
  std::map<Direction, ConnectionId> connections_;  // by (lower host, higher host)
  std::set<Direction> cuts_;
  std::map<Direction, SimTime> clogs_;
  Filter filter_;
  ConnectionId next_connection_ = 1;
  SimNetworkFigures figures_;
};

}  // namespace henge::sim
