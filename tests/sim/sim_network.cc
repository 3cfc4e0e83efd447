#include "tests/sim/sim_network.h"

#include <algorithm>
#include <vector>

#include "core/runtime/check.h"

namespace henge::sim {
namespace {

std::pair<HostId, HostId> PairOf(HostId a, HostId b) { return {std::min(a, b), std::max(a, b)}; }

}  // namespace

void SimNetwork::Attach(SimAddress address, SimPort* port) {
  const bool free = ports_.emplace(address, port).second;
  HENGE_CHECK(free);
}

void SimNetwork::Detach(SimAddress address) { ports_.erase(address); }

SimNetwork::HostState SimNetwork::StateOf(HostId host) const {
  const auto it = hosts_.find(host);
  return it == hosts_.end() ? HostState::kDown : it->second;
}

const SimLinkOptions& SimNetwork::LinkOf(Direction direction) const {
  const auto it = links_.find(direction);
  return it == links_.end() ? default_link_ : it->second;
}

Duration SimNetwork::DelayOf(Direction direction) {
  const SimLinkOptions& link = LinkOf(direction);
  return link.delay_min + random_.Exponential(link.delay_mean);
}

ConnectionId SimNetwork::ConnectionBetween(HostId a, HostId b) {
  ConnectionId& connection = connections_[PairOf(a, b)];
  if (connection == 0) connection = next_connection_++;
  return connection;
}

ConnectionId SimNetwork::Send(SimAddress from, SimAddress to, std::string bytes, ConnectionId only_on) {
  const ConnectionId connection = ConnectionBetween(from.host, to.host);
  if (only_on != 0 && only_on != connection) return 0;
  ++figures_.sent;
  Message message{from, to, connection, std::move(bytes)};
  const Direction direction{from.host, to.host};
  const SimLinkOptions& link = LinkOf(direction);
  // Each message draws the same number of times, whatever becomes of it: faults that are switched off shift no others.
  const bool lost = random_.Unit() < link.loss;
  const bool duplicated = random_.Unit() < link.duplicate;
  const bool reordered = random_.Unit() < link.reorder;
  const Duration extra = random_.Between(Duration(0), link.reorder_delay_max);
  const Duration delay = DelayOf(direction) + (reordered ? extra : Duration(0));
  const Duration second_delay = DelayOf(direction) + extra;
  if (filter_ && filter_(from, to, message.bytes)) {
    ++figures_.filtered;
    Trace("NetFilter", message);
    return connection;
  }
  if (cuts_.contains(direction)) {
    ++figures_.cut;
    Trace("NetCut", message);
    return connection;
  }
  if (lost) {
    ++figures_.lost;
    Trace("NetLose", message);
    return connection;
  }
  figures_.reordered += reordered;
  if (duplicated) {
    ++figures_.duplicated;
    scheduler_.After(second_delay, [this, copy = message]() mutable { Deliver(std::move(copy)); });
  }
  scheduler_.After(delay, [this, message = std::move(message)]() mutable { Deliver(std::move(message)); });
  return connection;
}

void SimNetwork::Deliver(Message message) {
  const Direction direction{message.from.host, message.to.host};
  if (cuts_.contains(direction)) {
    ++figures_.cut;
    Trace("NetCut", message);
    return;
  }
  if (const auto clog = clogs_.find(direction); clog != clogs_.end() && clog->second > scheduler_.now()) {
    const SimTime later = clog->second + DelayOf(direction);
    scheduler_.At(later, [this, message = std::move(message)]() mutable { Deliver(std::move(message)); });
    return;
  }
  const auto port = ports_.find(message.to);
  const bool stands = message.connection == ConnectionBetween(message.from.host, message.to.host);
  if (!stands || StateOf(message.to.host) != HostState::kUp || port == ports_.end()) {
    Refuse(message);
    return;
  }
  ++figures_.delivered;
  Trace("NetDeliver", message);
  port->second->OnMessage(message.from, message.connection, std::move(message.bytes));
}

void SimNetwork::Refuse(const Message& message) {
  ++figures_.refused;
  Trace("NetRefuse", message);
  if (StateOf(message.to.host) == HostState::kSilent) return;
  SendReset(message.from.host, message.to.host, message.connection);
}

void SimNetwork::SendReset(HostId to, HostId about, ConnectionId connection) {
  scheduler_.After(DelayOf({about, to}), [this, to, about, connection] {
    if (cuts_.contains({about, to}) || StateOf(to) != HostState::kUp) return;
    ++figures_.resets;
    scheduler_.trace().Add(scheduler_.now(), "NetReset", to, about, connection);
    // A port may detach itself or another one while it is told.
    std::vector<SimAddress> told;
    for (auto it = ports_.lower_bound(SimAddress{to, 0}); it != ports_.end() && it->first.host == to; ++it) {
      told.push_back(it->first);
    }
    for (const SimAddress& address : told) {
      if (const auto it = ports_.find(address); it != ports_.end()) it->second->OnReset(about, connection);
    }
  });
}

void SimNetwork::StartHost(HostId host) { hosts_[host] = HostState::kUp; }

void SimNetwork::StopHost(HostId host, StopKind kind) {
  hosts_[host] = kind == StopKind::kProcess ? HostState::kDown : HostState::kSilent;
  for (auto& [pair, connection] : connections_) {
    if (pair.first != host && pair.second != host) continue;
    const HostId other = pair.first == host ? pair.second : pair.first;
    if (kind == StopKind::kProcess) {
      EndConnection(pair, &connection, {other});
    } else {
      EndConnection(pair, &connection, {});
    }
  }
}

void SimNetwork::BreakConnection(HostId a, HostId b) {
  const Direction pair = PairOf(a, b);
  ConnectionBetween(a, b);
  EndConnection(pair, &connections_[pair], {a, b});
}

void SimNetwork::EndConnection(Direction pair, ConnectionId* connection, std::initializer_list<HostId> tell) {
  const ConnectionId ended = std::exchange(*connection, 0);
  if (ended == 0) return;
  for (const HostId host : tell) SendReset(host, host == pair.first ? pair.second : pair.first, ended);
}

void SimNetwork::Heal() {
  cuts_.clear();
  clogs_.clear();
  filter_ = nullptr;
  const auto calm = [](SimLinkOptions* link) { link->loss = link->duplicate = link->reorder = 0; };
  calm(&default_link_);
  for (auto& [direction, link] : links_) calm(&link);
}

void SimNetwork::Trace(std::string_view what, const Message& message) {
  const auto pack = [](const SimAddress& address) { return (uint64_t{address.host} << 32) | address.port; };
  scheduler_.trace().Add(scheduler_.now(), what, pack(message.from), pack(message.to),
                         SimTrace::DigestOf(message.bytes));
}

}  // namespace henge::sim
