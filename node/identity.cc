#include "node/identity.h"

#include <algorithm>
#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "core/model/wire.h"
#include "core/runtime/status_macros.h"
#include "node/antientropy/recovery_note.h"

namespace henge {
namespace {

constexpr std::string_view kIdentityName = "identity";
constexpr std::string_view kTokenName = "single-node-token";
constexpr uint8_t kIdentityFormat = 1;

// What stands under kIdentityName: format, cluster id, member id, name of the member.
struct Identity {
  ClusterId cluster;
  MemberId member;
  std::string name;
};

std::string Encode(const Identity& identity) {
  std::string bytes;
  ByteWriter out(&bytes);
  out.Byte(kIdentityFormat);
  out.Fixed64(identity.cluster.value());
  out.Fixed32(identity.member.value());
  out.String(identity.name);
  return bytes;
}

absl::StatusOr<Identity> Decode(std::string_view bytes) {
  ByteReader in(bytes);
  if (uint8_t format = in.Byte(); in.ok() && format != kIdentityFormat) {
    return absl::FailedPreconditionError(absl::StrCat("the data directory says whose data it holds in format ",
                                                      static_cast<int>(format), ", this program knows format ",
                                                      static_cast<int>(kIdentityFormat), ": use a newer henged"));
  }
  Identity identity;
  identity.cluster = ClusterId(in.Fixed64());
  identity.member = MemberId(in.Fixed32());
  identity.name = std::string(in.String());
  if (!in.AtEnd()) {
    return absl::DataLossError("the data directory's own note of whose data it holds is broken: restore the directory");
  }
  return identity;
}

std::string Hex(uint64_t value) { return absl::StrCat(absl::Hex(value, absl::kZeroPad16)); }

absl::Status CheckSame(const Identity& stored, const Identity& wanted) {
  if (stored.cluster != wanted.cluster) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the data directory belongs to cluster ", Hex(stored.cluster.value()), " (member ", stored.name,
        "), the configuration describes cluster ", Hex(wanted.cluster.value()),
        ": nothing was changed. Give the initial cluster, the token and the number of replicas of its first start, or "
        "another data directory"));
  }
  if (stored.member != wanted.member) {
    return absl::FailedPreconditionError(
        absl::StrCat("the data directory belongs to member ", stored.name, ", this node is named ", wanted.name,
                     ": nothing was changed. Start it as ", stored.name, ", or give another data directory"));
  }
  return absl::OkStatus();
}

// P15, P31: a store that is empty may be a first one, or one in the place of another that is lost. Nobody here can
// tell, nor can the peers while they know of version 1 only: so it answers no read before it was compared with them.
// Written before the store has an owner: a crash in between changes nothing.
absl::Status NoteAllLost(StoreEngine& engine, const ClusterState& state, MemberId self) {
  if (state.members.size() < 2) return absl::OkStatus();
  std::set<PartitionId> owned;
  for (size_t p = 0; p < state.owners.size(); ++p) {
    const std::vector<MemberId>& owners = state.owners[p];
    const bool mine = std::find(owners.begin(), owners.end(), self) != owners.end();
    if (mine) owned.insert(PartitionId(static_cast<uint16_t>(p)));
  }
  return RecoveryNote::Store(engine, owned);
}

}  // namespace

absl::Status ClaimStore(StoreEngine& engine, const ClusterState& state, MemberId self) {
  const Member* member = state.FindMember(self);
  if (member == nullptr) return absl::InvalidArgumentError("this node is no member of its own cluster state");
  // A recovered cluster's data is that of the first one (P32).
  const Identity wanted{state.origin(), self, member->name};
  HENGE_ASSIGN_OR_RETURN(std::optional<std::string> bytes, engine.ReadMeta(kIdentityName));
  if (!bytes.has_value()) {
    HENGE_RETURN_IF_ERROR(NoteAllLost(engine, state, self));
    return engine.WriteMeta(kIdentityName, Encode(wanted));
  }
  HENGE_ASSIGN_OR_RETURN(Identity stored, Decode(*bytes));
  return CheckSame(stored, wanted);
}

absl::StatusOr<std::string> LoadOrDrawToken(StoreEngine& engine, Random& random) {
  HENGE_ASSIGN_OR_RETURN(std::optional<std::string> stored, engine.ReadMeta(kTokenName));
  if (stored.has_value()) return *std::move(stored);
  std::string token = absl::StrCat(Hex(random.Next64()), Hex(random.Next64()));
  HENGE_RETURN_IF_ERROR(engine.WriteMeta(kTokenName, token));
  return token;
}

}  // namespace henge
