// The cluster state: the one versioned document that holds everything the nodes agree on.
//
// A value with a canonical encoding; its digest tells two documents of one version apart (P30).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "core/model/bucket.h"
#include "core/model/ids.h"
#include "core/model/limits.h"

namespace henge {

struct Member {
  MemberId id;
  std::string name;
  std::string client_address;  // host:port
  std::string peer_address;    // host:port
  std::string zone;            // empty = every such member is a zone of its own
  uint32_t weight = 100;       // relative share of the data
  StoreId store;               // whose votes are the member's; none: not bound yet, as all are in version 1 (P31)

  bool operator==(const Member&) const = default;
};

// How many of the last changes a state names.
inline constexpr size_t kStateChangesMax = 32;

// How many recoveries of a lost majority a state can tell of.
inline constexpr size_t kFormerClustersMax = 64;

struct ClusterState {
  ClusterId cluster;
  // The ids that this cluster had before its survivors took a new one (P32), the first one first. Whoever still goes by
  // one of them was given up, or has yet to take over.
  std::vector<ClusterId> former;
  StateVersion version;
  uint32_t replicas = kReplicasDefault;       // N; a partition has min(N, members) owners
  std::vector<Member> members;                // by id
  std::vector<Bucket> buckets;                // by id
  BucketId next_bucket_id = BucketId(1);      // above every id that a bucket ever had: ids are never used again (P34)
  std::vector<std::vector<MemberId>> owners;  // kPartitionCount preference lists
  std::vector<LayoutEpoch> epochs;            // kPartitionCount: the version of each list's last change
  // A random number for each of the last changes, the newest last: how a proposer knows that it was its own proposal
  // that came through, and no equal one of another.
  std::vector<uint64_t> changes;

  bool operator==(const ClusterState&) const = default;

  const Member* FindMember(MemberId id) const;
  const Member* FindMemberByName(std::string_view name) const;
  // For people: the member's name, or "member 7" of one that is not here.
  std::string NameOf(MemberId id) const;
  // "n1, n2, member 7".
  std::string NamesOf(const std::vector<MemberId>& ids) const;
  const Bucket* FindBucket(std::string_view name) const;
  const Bucket* FindBucket(BucketId id) const;
  // Whether a bucket of this id was there and is no more, as opposed to one that a later version may know.
  bool IsDropped(BucketId id) const { return id < next_bucket_id && FindBucket(id) == nullptr; }
  // Whose data the stores of the members hold: the id of version 1, which no recovery changes.
  ClusterId origin() const { return former.empty() ? cluster : former.front(); }
  bool HasFormer(ClusterId id) const;
  // Whether every member is bound to a store (P31): so from version 2 on, but for those that had never started then.
  bool IsBound() const;

  std::string Encode() const;
  static absl::StatusOr<ClusterState> Decode(std::string_view bytes);
  uint64_t Digest() const;
};

struct InitialMember {
  std::string name;
  std::string client_address;
  std::string peer_address;
  std::string zone;
  uint32_t weight = 100;
};

// Version 1, the same on every node that is given the same arguments, with no talking (P30). Members are numbered in
// the order of their names; the one bucket is "default". INVALID_ARGUMENT for no member, a duplicate name or address, a
// weight of 0, replicas out of 1..kReplicasMax.
absl::StatusOr<ClusterState> MakeInitialState(std::string_view token, uint32_t replicas,
                                              std::vector<InitialMember> members);

}  // namespace henge
