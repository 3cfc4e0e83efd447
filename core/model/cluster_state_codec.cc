// The canonical encoding of a cluster state: docs/FORMAT.md, "Cluster state".

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/model/cluster_state.h"
#include "core/model/wire.h"

namespace henge {
namespace {

// The members make version 1 of a state alone, each from its configuration, and the cluster's id is a hash of it: its
// form never changes, and has no room for what comes later.
constexpr uint8_t kFirstFormat = 1;
constexpr uint8_t kPlainFormat = 2;
// With the ids that the cluster had before. Only what needs it has it, so that the digest of every other state stays.
constexpr uint8_t kFormat = 3;

uint8_t FormatOf(StateVersion version, bool recovered) {
  if (version <= StateVersion(1)) return kFirstFormat;
  return recovered ? kFormat : kPlainFormat;
}

constexpr size_t kMemberBytesMin = 6;

// Writes `items` as runs of equal neighbours: how many, then the item once.
template <class Item, class Write>
void EncodeRuns(const std::vector<Item>& items, ByteWriter* out, Write write) {
  for (size_t begin = 0; begin < items.size();) {
    size_t end = begin + 1;
    while (end < items.size() && items[end] == items[begin]) ++end;
    out->Varint(end - begin);
    write(items[begin]);
    begin = end;
  }
}

// Reads runs until `count` items are there. Equal neighbouring runs are not canonical.
template <class Item, class Read>
std::vector<Item> DecodeRuns(ByteReader* in, size_t count, Read read) {
  std::vector<Item> items;
  while (in->ok() && items.size() < count) {
    const size_t run = in->VarintUpTo(count - items.size());
    Item item = read();
    if (run == 0 || (!items.empty() && items.back() == item)) in->Fail();
    if (!in->ok()) break;
    items.insert(items.end(), run, item);
  }
  return items;
}

std::string ReadText(ByteReader* in, size_t bytes_max) {
  const std::string_view text = in->String();
  if (text.size() > bytes_max) in->Fail();
  return in->ok() ? std::string(text) : std::string();
}

std::vector<Member> ReadMembers(ByteReader* in, uint8_t format) {
  std::vector<Member> members;
  const size_t count = std::min(in->Count(kMemberBytesMin), kMembersMax + 1);
  if (count > kMembersMax) in->Fail();
  for (size_t i = 0; in->ok() && i < count; ++i) {
    Member member;
    member.id = MemberId(static_cast<uint32_t>(in->VarintUpTo(UINT32_MAX)));
    member.name = ReadText(in, kMemberNameBytesMax);
    member.client_address = ReadText(in, kAddressBytesMax);
    member.peer_address = ReadText(in, kAddressBytesMax);
    member.zone = ReadText(in, kZoneBytesMax);
    member.weight = static_cast<uint32_t>(in->VarintUpTo(kWeightMax));
    if (format != kFirstFormat) member.store = StoreId(in->Fixed64());
    const MemberId previous = members.empty() ? MemberId(0) : members.back().id;
    if (member.id <= previous || member.weight == 0) in->Fail();
    members.push_back(std::move(member));
  }
  return members;
}

std::vector<uint64_t> ReadChanges(ByteReader* in, StateVersion version) {
  std::vector<uint64_t> changes;
  const size_t count = in->Count(sizeof(uint64_t));
  if (count > kStateChangesMax || count >= version.value()) in->Fail();
  for (size_t i = 0; in->ok() && i < count; ++i) changes.push_back(in->Fixed64());
  return changes;
}

// At least one, none twice, none the present one.
std::vector<ClusterId> ReadFormer(ByteReader* in, ClusterId cluster) {
  std::vector<ClusterId> former;
  const size_t count = in->Count(sizeof(uint64_t));
  if (count == 0 || count > kFormerClustersMax) in->Fail();
  for (size_t i = 0; in->ok() && i < count; ++i) {
    const ClusterId id(in->Fixed64());
    if (id == cluster || std::find(former.begin(), former.end(), id) != former.end()) in->Fail();
    former.push_back(id);
  }
  return former;
}

// One preference list: distinct members of `state`, at most N.
std::vector<MemberId> ReadList(ByteReader* in, const ClusterState& state) {
  std::vector<MemberId> list;
  const size_t size = in->VarintUpTo(std::min<size_t>(state.replicas, state.members.size()));
  for (size_t i = 0; in->ok() && i < size; ++i) {
    const MemberId id(static_cast<uint32_t>(in->VarintUpTo(UINT32_MAX)));
    const bool twice = std::find(list.begin(), list.end(), id) != list.end();
    if (twice || state.FindMember(id) == nullptr) in->Fail();
    list.push_back(id);
  }
  return list;
}

absl::Status NotAState(const char* why) {
  return absl::DataLossError(
      absl::StrCat("the bytes are no cluster state: ", why, "; take the state from another member"));
}

}  // namespace

std::string ClusterState::Encode() const {
  std::string bytes;
  ByteWriter out(&bytes);
  const uint8_t format = FormatOf(version, !former.empty());
  out.Byte(format);
  out.Fixed64(cluster.value());
  if (format == kFormat) {
    out.Varint(former.size());
    for (ClusterId id : former) out.Fixed64(id.value());
  }
  out.Varint(version.value());
  out.Varint(replicas);
  out.Varint(members.size());
  for (const Member& member : members) {
    out.Varint(member.id.value());
    out.String(member.name);
    out.String(member.client_address);
    out.String(member.peer_address);
    out.String(member.zone);
    out.Varint(member.weight);
    if (format != kFirstFormat) out.Fixed64(member.store.value());
  }
  out.Varint(next_bucket_id.value());
  EncodeBuckets(buckets, &out);
  EncodeRuns(owners, &out, [&out](const std::vector<MemberId>& list) {
    out.Varint(list.size());
    for (MemberId id : list) out.Varint(id.value());
  });
  EncodeRuns(epochs, &out, [&out](LayoutEpoch epoch) { out.Varint(epoch.value()); });
  if (format != kFirstFormat) {
    out.Varint(changes.size());
    for (uint64_t change : changes) out.Fixed64(change);
  }
  return bytes;
}

absl::StatusOr<ClusterState> ClusterState::Decode(std::string_view bytes) {
  ByteReader in(bytes);
  const uint8_t format = in.Byte();
  if (!in.ok()) return NotAState("they are empty");
  if (format < kFirstFormat || format > kFormat) {
    return absl::InvalidArgumentError(absl::StrCat("the cluster state has format version ", static_cast<int>(format),
                                                   ", this build knows ", static_cast<int>(kFormat),
                                                   ": upgrade this node"));
  }
  ClusterState state;
  state.cluster = ClusterId(in.Fixed64());
  if (format == kFormat) state.former = ReadFormer(&in, state.cluster);
  state.version = StateVersion(in.Varint());
  state.replicas = static_cast<uint32_t>(in.VarintUpTo(kReplicasMax));
  if (!in.ok() || state.replicas == 0 || FormatOf(state.version, !state.former.empty()) != format)
    return NotAState("the header is truncated or out of range");
  state.members = ReadMembers(&in, format);
  if (!in.ok()) return NotAState("the members are truncated, out of order or out of range");
  state.next_bucket_id = BucketId(static_cast<uint32_t>(in.VarintUpTo(UINT32_MAX)));
  state.buckets = DecodeBuckets(&in, state.replicas, state.next_bucket_id);
  if (!in.ok()) return NotAState("the buckets are truncated, out of order or out of range");
  state.owners =
      DecodeRuns<std::vector<MemberId>>(&in, kPartitionCount, [&in, &state] { return ReadList(&in, state); });
  if (!in.ok()) return NotAState("the owners are truncated, not canonical or no members");
  state.epochs = DecodeRuns<LayoutEpoch>(&in, kPartitionCount, [&in] { return LayoutEpoch(in.Varint()); });
  if (!in.ok()) return NotAState("the layout epochs are truncated or not canonical");
  if (format != kFirstFormat) state.changes = ReadChanges(&in, state.version);
  if (!in.ok()) return NotAState("the changes are truncated or too many");
  if (!in.AtEnd()) return NotAState("bytes follow its end");
  return state;
}

}  // namespace henge
