#include "client/src/ring_view.h"

#include <algorithm>
#include <utility>

#include "core/model/slot.h"

namespace henge::sdk {
namespace {

bool WasTried(const Call& call, const Connection* connection) {
  return std::find(call.tried.begin(), call.tried.end(), connection) != call.tried.end();
}

// True may count as a trial of a node that was struck, so the call must go there then.
bool IsFresh(const Call& call, Connection* connection, SteadyTime now) {
  return connection->ready() && !WasTried(call, connection) && connection->Admits(now);
}

}  // namespace

RingView::RingView(RingPtr ring, std::vector<std::shared_ptr<Connection>> all)
    : ring_(std::move(ring)), all_(std::move(all)) {
  if (ring_ == nullptr) return;
  for (const Member& member : ring_->state().members) {
    auto at = std::find_if(all_.begin(), all_.end(),
                           [&](const auto& connection) { return connection->address() == member.client_address; });
    if (at != all_.end()) by_member_[member.id] = at->get();
  }
}

Connection* RingView::FindMember(MemberId member) const {
  auto it = by_member_.find(member);
  return it == by_member_.end() ? nullptr : it->second;
}

Connection* RingView::Choose(const Call& call, SteadyTime now) const {
  PartitionId partition = PartitionOf(call.key);
  Connection* last_resort = nullptr;
  if (ring_ != nullptr) {
    for (MemberId owner : ring_->Owners(partition)) {
      Connection* connection = FindMember(owner);
      if (connection == nullptr) continue;
      if (IsFresh(call, connection, now)) return connection;
      if (last_resort == nullptr && connection->ready()) last_resort = connection;
    }
  }
  // Keys spread over the others by their partition.
  for (size_t i = 0; i < all_.size(); ++i) {
    Connection* connection = all_[(partition.value() + i) % all_.size()].get();
    if (IsFresh(call, connection, now)) return connection;
    if (last_resort == nullptr && connection->ready()) last_resort = connection;
  }
  return last_resort;
}

}  // namespace henge::sdk
