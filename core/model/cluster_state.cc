#include "core/model/cluster_state.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/model/hash.h"

namespace henge {

const Member* ClusterState::FindMember(MemberId id) const {
  auto it = std::lower_bound(members.begin(), members.end(), id, [](const Member& m, MemberId i) { return m.id < i; });
  return it != members.end() && it->id == id ? &*it : nullptr;
}

const Member* ClusterState::FindMemberByName(std::string_view name) const {
  auto it = std::find_if(members.begin(), members.end(), [&](const Member& m) { return m.name == name; });
  return it == members.end() ? nullptr : &*it;
}

std::string ClusterState::NameOf(MemberId id) const {
  const Member* member = FindMember(id);
  return member != nullptr ? member->name : absl::StrCat("member ", id.value());
}

std::string ClusterState::NamesOf(const std::vector<MemberId>& ids) const {
  return absl::StrJoin(ids, ", ", [this](std::string* out, MemberId id) { out->append(NameOf(id)); });
}

const Bucket* ClusterState::FindBucket(std::string_view name) const {
  auto it = std::find_if(buckets.begin(), buckets.end(), [&](const Bucket& b) { return b.name == name; });
  return it == buckets.end() ? nullptr : &*it;
}

const Bucket* ClusterState::FindBucket(BucketId id) const {
  auto it = std::lower_bound(buckets.begin(), buckets.end(), id, [](const Bucket& b, BucketId i) { return b.id < i; });
  return it != buckets.end() && it->id == id ? &*it : nullptr;
}

bool ClusterState::HasFormer(ClusterId id) const { return std::find(former.begin(), former.end(), id) != former.end(); }

bool ClusterState::IsBound() const {
  return std::none_of(members.begin(), members.end(), [](const Member& m) { return m.store == StoreId(); });
}

uint64_t ClusterState::Digest() const { return Hash64(Encode()); }

}  // namespace henge
