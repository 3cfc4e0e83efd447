// What calls are routed by: an immutable snapshot of the ring, with the connection of each member.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "client/src/connection.h"
#include "core/model/ring.h"

namespace henge::sdk {

class RingView {
 public:
  // `all` are the connections to the ring's members and to other endpoints. Without a ring, any will do for any key.
  RingView(RingPtr ring, std::vector<std::shared_ptr<Connection>> all);

  // Where to send a call: the first owner of its key, in preference order, that is connected, takes calls and wasn't
  // tried; else any such node; else one that is connected, tried or not. Null if none is.
  Connection* Choose(const Call& call, SteadyTime now) const;

  const RingPtr& ring() const { return ring_; }
  uint64_t version() const { return ring_ == nullptr ? 0 : ring_->version().value(); }
  const std::vector<std::shared_ptr<Connection>>& all() const { return all_; }

 private:
  Connection* FindMember(MemberId member) const;

  const RingPtr ring_;
  const std::vector<std::shared_ptr<Connection>> all_;
  absl::flat_hash_map<MemberId, Connection*> by_member_;
};

using RingViewPtr = std::shared_ptr<const RingView>;

}  // namespace henge::sdk
