// Version 1 of a cluster state, made from the configuration alone (P30).

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/model/assignment.h"
#include "core/model/cluster_state.h"
#include "core/model/hash.h"
#include "core/model/wire.h"

namespace henge {
namespace {

constexpr uint64_t kClusterIdSeed = 0x636c7573'74657200;

absl::Status CheckLength(const char* what, const std::string& text, size_t bytes_max) {
  if (text.size() <= bytes_max) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the ", what, " of a member is ", text.size(), " bytes long, the limit is ", bytes_max));
}

absl::Status CheckMember(const InitialMember& member) {
  if (member.name.empty()) return absl::InvalidArgumentError("a member has no name: give each one a name of its own");
  if (member.weight == 0 || member.weight > kWeightMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("member ", member.name, " has weight ", member.weight, ": it must be 1 to ", kWeightMax));
  }
  for (const absl::Status& status : {CheckLength("name", member.name, kMemberNameBytesMax),
                                     CheckLength("client address", member.client_address, kAddressBytesMax),
                                     CheckLength("peer address", member.peer_address, kAddressBytesMax),
                                     CheckLength("zone", member.zone, kZoneBytesMax)}) {
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// `members` are sorted by name.
absl::Status CheckMembers(uint32_t replicas, const std::vector<InitialMember>& members) {
  if (members.empty()) return absl::InvalidArgumentError("a cluster needs at least one member: list this node");
  if (members.size() > kMembersMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("the cluster lists ", members.size(), " members, the limit is ", kMembersMax));
  }
  if (replicas < 1 || replicas > static_cast<uint32_t>(kReplicasMax)) {
    return absl::InvalidArgumentError(absl::StrCat("replicas is ", replicas, ": it must be 1 to ", kReplicasMax));
  }
  absl::flat_hash_set<std::string_view> addresses;
  for (size_t i = 0; i < members.size(); ++i) {
    const InitialMember& member = members[i];
    if (absl::Status status = CheckMember(member); !status.ok()) return status;
    if (i > 0 && members[i - 1].name == member.name) {
      return absl::InvalidArgumentError(
          absl::StrCat("two members are named ", member.name, ": give each one a name of its own"));
    }
    for (const std::string& address : {member.client_address, member.peer_address}) {
      if (address.empty()) continue;  // not reachable in that way, as in a simulation
      if (addresses.contains(address)) {
        return absl::InvalidArgumentError(
            absl::StrCat("the address ", address, " is given twice: each listener needs one of its own"));
      }
    }
    if (!member.client_address.empty()) addresses.insert(member.client_address);
    if (!member.peer_address.empty()) addresses.insert(member.peer_address);
    if (!member.client_address.empty() && member.client_address == member.peer_address) {
      return absl::InvalidArgumentError(absl::StrCat("member ", member.name, " has ", member.client_address,
                                                     " as client and as peer address: use two ports"));
    }
  }
  return absl::OkStatus();
}

// A function of the token and of all that the members agree on; never zero, which means "none".
ClusterId MakeClusterId(std::string_view token, const ClusterState& state) {
  std::string bytes;
  ByteWriter out(&bytes);
  out.String(token);
  out.Raw(state.Encode());
  return ClusterId(std::max<uint64_t>(Hash64(bytes, kClusterIdSeed), 1));
}

}  // namespace

absl::StatusOr<ClusterState> MakeInitialState(std::string_view token, uint32_t replicas,
                                              std::vector<InitialMember> members) {
  std::sort(members.begin(), members.end(),
            [](const InitialMember& a, const InitialMember& b) { return a.name < b.name; });
  if (absl::Status status = CheckMembers(replicas, members); !status.ok()) return status;
  ClusterState state;
  state.version = StateVersion(1);
  state.replicas = replicas;
  for (InitialMember& member : members) {
    state.members.push_back({.id = MemberId(static_cast<uint32_t>(state.members.size() + 1)),
                             .name = std::move(member.name),
                             .client_address = std::move(member.client_address),
                             .peer_address = std::move(member.peer_address),
                             .zone = std::move(member.zone),
                             .weight = member.weight});
  }
  state.buckets.push_back({.id = BucketId(1), .name = "default"});
  state.next_bucket_id = BucketId(2);
  state.owners = SolveAssignment(state.members, replicas, {});
  state.epochs.assign(kPartitionCount, LayoutEpoch(1));
  state.cluster = MakeClusterId(token, state);
  return state;
}

}  // namespace henge
