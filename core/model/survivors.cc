#include "core/model/survivors.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/model/hash.h"
#include "core/model/wire.h"

namespace henge {
namespace {

constexpr uint64_t kRecoveredIdSeed = 0x7265636f'76657200;
// Neighbouring arcs get the same new owners, so that few pairs of failures meet.
constexpr int kFilledAtOnce = 64;

bool Has(const std::vector<MemberId>& members, MemberId id) {
  return std::find(members.begin(), members.end(), id) != members.end();
}

std::vector<MemberId> MembersOf(const ClusterState& state) {
  std::vector<MemberId> members;
  members.reserve(state.members.size());
  for (const Member& member : state.members) members.push_back(member.id);
  return members;
}

absl::Status CheckWords(const ClusterState& state, MemberId asking, const SurvivorWords& words) {
  std::vector<MemberId> voting;
  const uint64_t digest = state.Digest();
  for (const auto& [id, word] : words) {
    if (word.sender.version > state.version) {
      return absl::FailedPreconditionError(
          absl::StrCat(state.NameOf(id), " knows version ", word.sender.version.value(), " of the cluster state, ",
                       state.NameOf(asking), " knows version ", state.version.value(), ": nothing was changed. Ask ",
                       state.NameOf(id), ", or try again in a moment"));
    }
    if (word.sender.version == state.version && word.sender.digest != digest) {
      return absl::FailedPreconditionError(
          absl::StrCat(state.NameOf(id), " and ", state.NameOf(asking),
                       " hold two different cluster states of one version: nothing was changed, an operator has to "
                       "look (event ClusterStateDiffers)"));
    }
    // One that has accepted a recovery votes no more.
    if (state.FindMember(id)->store == word.sender.store && word.recovery.ballot.IsNone()) voting.push_back(id);
  }
  if (2 * voting.size() > state.members.size()) {
    return absl::FailedPreconditionError(absl::StrCat(voting.size(), " of ", state.members.size(), " members answer (",
                                                      state.NamesOf(voting),
                                                      "): they are a majority and decide as ever, there is nothing to "
                                                      "recover. A member whose disk is lost is started "
                                                      "with an empty data directory, and is bound anew by the others"));
  }
  return absl::OkStatus();
}

// Whether the recovery with the survivors `theirs` that `id` has accepted may be overtaken by one with `survivors`.
absl::Status CheckOvertaking(const ClusterState& state, MemberId id, const std::vector<MemberId>& theirs,
                             const std::vector<MemberId>& survivors, bool named) {
  std::vector<MemberId> missing, added;
  std::copy_if(theirs.begin(), theirs.end(), std::back_inserter(missing),
               [&survivors](MemberId m) { return !Has(survivors, m); });
  std::copy_if(survivors.begin(), survivors.end(), std::back_inserter(added),
               [&theirs](MemberId m) { return !Has(theirs, m); });
  const bool majority_missing = 2 * missing.size() > theirs.size();
  if (missing.empty() || added.empty() || (named && !majority_missing)) return absl::OkStatus();
  const std::string who = state.NamesOf(missing);
  return absl::FailedPreconditionError(absl::StrCat(
      state.NameOf(id), " has begun a recovery with the survivors ", state.NamesOf(theirs), ", not with ",
      state.NamesOf(survivors), ": nothing was changed. ", who, " may go by it: start ", who,
      " and give the command again; or, if gone for ever, too, ",
      majority_missing
          ? absl::StrCat("stop ", state.NamesOf(added), " for good, since what is missing may decide there")
          : absl::StrCat("name the survivors: ", state.NamesOf(survivors))));
}

// Of those that may still join `list`: another zone first, then who owns least for its weight, then by id.
class Filler {
 public:
  Filler(const std::vector<Member>& members, const std::vector<std::vector<MemberId>>& kept) : members_(members) {
    for (const auto& list : kept) {
      for (MemberId id : list) ++owned_[id];
    }
  }

  void Fill(std::vector<MemberId>* list, size_t size, int partitions) {
    while (list->size() < size) {
      const Member* best = nullptr;
      for (const Member& member : members_) {
        if (!Has(*list, member.id) && (best == nullptr || IsBetter(*list, member, *best))) best = &member;
      }
      owned_[best->id] += partitions;
      list->push_back(best->id);
    }
  }

 private:
  bool IsBetter(const std::vector<MemberId>& list, const Member& a, const Member& b) {
    const bool a_repeats = RepeatsZone(list, a), b_repeats = RepeatsZone(list, b);
    if (a_repeats != b_repeats) return b_repeats;
    return owned_[a.id] * b.weight < owned_[b.id] * a.weight;
  }
  bool RepeatsZone(const std::vector<MemberId>& list, const Member& member) const {
    return !member.zone.empty() && std::any_of(members_.begin(), members_.end(), [&](const Member& other) {
      return other.zone == member.zone && Has(list, other.id);
    });
  }

  const std::vector<Member>& members_;
  std::map<MemberId, int64_t> owned_;
};

std::vector<std::vector<MemberId>> OwnersOfSurvivors(const ClusterState& base, const std::vector<Member>& members,
                                                     const std::vector<MemberId>& survivors) {
  std::vector<std::vector<MemberId>> owners = base.owners;
  for (std::vector<MemberId>& list : owners) {
    std::erase_if(list, [&survivors](MemberId id) { return !Has(survivors, id); });
  }
  Filler filler(members, owners);
  const size_t size = std::min<size_t>(base.replicas, members.size());
  for (size_t begin = 0; begin < owners.size();) {
    size_t end = begin + 1;
    while (end < owners.size() && end - begin < kFilledAtOnce && owners[end] == owners[begin]) ++end;
    std::vector<MemberId> list = owners[begin];
    filler.Fill(&list, size, static_cast<int>(end - begin));
    for (; begin < end; ++begin) owners[begin] = list;
  }
  return owners;
}

// The survivors, with the stores that they answer from.
std::vector<Member> MembersOfRecovery(const ClusterState& base, const SurvivorWords& words,
                                      const std::vector<MemberId>& survivors) {
  std::vector<Member> members;
  for (const Member& member : base.members) {
    const auto word = words.find(member.id);
    if (!Has(survivors, member.id) || word == words.end()) continue;
    members.push_back(member);
    members.back().store = word->second.sender.store;
  }
  return members;
}

ClusterId IdOfRecovery(const ClusterState& base, const std::vector<Member>& survivors, uint64_t nonce) {
  std::string identity;
  ByteWriter out(&identity);
  out.Fixed64(base.cluster.value());
  out.Fixed64(base.Digest());
  out.Fixed64(nonce);
  for (const Member& member : survivors) {
    out.Fixed32(member.id.value());
    out.Fixed64(member.store.value());
  }
  return ClusterId(std::max<uint64_t>(Hash64(identity, kRecoveredIdSeed), 1));
}

// The least number of copies that a write to some bucket is acknowledged at.
size_t LeastWriteQuorum(const ClusterState& state, size_t owners) {
  size_t least = owners;
  for (const Bucket& bucket : state.buckets) {
    const size_t quorum = bucket.write_quorum == 0 ? owners / 2 + 1 : std::min<size_t>(bucket.write_quorum, owners);
    least = std::min(least, quorum);
  }
  return std::max<size_t>(least, 1);
}

}  // namespace

absl::StatusOr<std::vector<MemberId>> ChooseSurvivors(const ClusterState& state, MemberId asking,
                                                      const SurvivorWords& words,
                                                      const std::vector<std::string>& names) {
  if (state.version <= StateVersion(1)) {
    return absl::FailedPreconditionError(
        "the members are not bound to their stores yet, so there is no majority to lose: see 'henge cluster bootstrap "
        "--without'");
  }
  std::vector<MemberId> named;
  for (const std::string& name : names) {
    const Member* member = state.FindMemberByName(name);
    if (member == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("no member is named ", name, "; the members are ", state.NamesOf(MembersOf(state))));
    }
    if (!words.contains(member->id)) {
      return absl::UnavailableError(absl::StrCat(
          name, " does not answer ", state.NameOf(asking),
          ": nothing was changed. Start it, or leave it out if it is gone for ever: what only it holds is then lost"));
    }
    named.push_back(member->id);
  }
  if (absl::Status status = CheckWords(state, asking, words); !status.ok()) return status;
  std::vector<MemberId> survivors, left_out;
  for (const auto& [id, word] : words) {
    survivors.push_back(id);
    if (!names.empty() && !Has(named, id)) left_out.push_back(id);
  }
  if (left_out.empty()) return survivors;
  return absl::FailedPreconditionError(
      absl::StrCat(state.NamesOf(left_out),
                   " answers, too, and would be given up with all that it holds: nothing was changed. Name it as a "
                   "survivor, or stop it for good"));
}

ClusterState BaseOfRecovery(const ClusterState& state, const SurvivorWords& words) {
  const PaxosVote* highest = nullptr;
  for (const auto& [id, word] : words) {
    if (word.sender.version != state.version || word.vote.ballot.IsNone()) continue;
    if (highest == nullptr || word.vote.ballot > highest->ballot) highest = &word.vote;
  }
  if (highest == nullptr) return state;
  absl::StatusOr<ClusterState> next = ClusterState::Decode(highest->value);
  const bool follows = next.ok() && next->cluster == state.cluster &&
                       next->version == StateVersion(state.version.value() + 1) &&
                       MembersOf(*next) == MembersOf(state) && next->owners.size() == state.owners.size();
  return follows ? *std::move(next) : state;
}

absl::StatusOr<std::string> BegunRecovery(const ClusterState& state, const SurvivorWords& words,
                                          const std::vector<MemberId>& survivors, bool named) {
  PaxosVote begun;
  const ClusterState base = BaseOfRecovery(state, words);
  for (const auto& [id, word] : words) {
    if (word.recovery.ballot.IsNone()) continue;
    const absl::StatusOr<ClusterState> next = ClusterState::Decode(word.recovery.value);
    if (!next.ok()) continue;
    const std::vector<MemberId> theirs = MembersOf(*next);
    if (theirs == survivors) {
      // It would undo what was decided since; and a disk that was replaced can't accept it any more.
      const bool holds = next->members == MembersOfRecovery(base, words, survivors) && GoesOnFrom(*next, base);
      if (holds && word.recovery.ballot > begun.ballot) begun = word.recovery;
      continue;
    }
    const absl::Status status = CheckOvertaking(state, id, theirs, survivors, named);
    if (!status.ok()) return status;
  }
  return begun.value;
}

ClusterState StateOfSurvivors(const ClusterState& base, const SurvivorWords& words,
                              const std::vector<MemberId>& survivors, uint64_t nonce) {
  ClusterState next = base;
  next.members = MembersOfRecovery(base, words, survivors);
  next.former.push_back(base.cluster);
  // The first one says whose the stores are.
  if (next.former.size() > kFormerClustersMax) next.former.erase(next.former.begin() + 1);
  next.cluster = IdOfRecovery(base, next.members, nonce);
  next.version = StateVersion(((base.version.value() >> kGenerationBits) + 1) << kGenerationBits);
  next.owners = OwnersOfSurvivors(base, next.members, survivors);
  next.epochs.assign(next.owners.size(), LayoutEpoch(next.version.value()));
  next.next_bucket_id =
      BucketId(base.next_bucket_id.value() + std::min(kBucketIdsLeftOut, UINT32_MAX - base.next_bucket_id.value()));
  next.changes = {nonce};
  return next;
}

bool GoesOnFrom(const ClusterState& next, const ClusterState& base) {
  return !next.changes.empty() && IdOfRecovery(base, next.members, next.changes[0]) == next.cluster;
}

bool IsRecoveryOf(const ClusterState& state, const ClusterState& next, MemberId self, StoreId store) {
  const Member* member = next.FindMember(self);
  return !next.former.empty() && next.former.back() == state.cluster && next.origin() == state.origin() &&
         next.version > state.version && member != nullptr && member->store == store &&
         next.next_bucket_id >= state.next_bucket_id && next.owners.size() == state.owners.size();
}

std::vector<PartitionId> GainedPartitions(const ClusterState& before, const ClusterState& next, MemberId member) {
  std::vector<PartitionId> gained;
  for (size_t p = 0; p < next.owners.size(); ++p) {
    const bool owned = p < before.owners.size() && Has(before.owners[p], member);
    if (!owned && Has(next.owners[p], member)) gained.push_back(PartitionId(static_cast<uint16_t>(p)));
  }
  return gained;
}

RecoveryPlan PlanOf(const ClusterState& base, const ClusterState& next) {
  RecoveryPlan plan{.cluster = next.cluster, .version = next.version};
  std::vector<MemberId> holders;  // survivors with the disk that the cluster knows
  for (const Member& member : base.members) {
    const Member* stays = next.FindMember(member.id);
    RecoveryPlan::OfMember row{.name = member.name, .stays = stays != nullptr};
    row.disk_replaced = stays != nullptr && stays->store != member.store;
    if (stays != nullptr && !row.disk_replaced) holders.push_back(member.id);
    for (size_t p = 0; p < base.owners.size(); ++p) {
      const bool before = Has(base.owners[p], member.id), after = Has(next.owners[p], member.id);
      row.owned_before += before ? 1 : 0;
      row.owned_after += after ? 1 : 0;
      row.recovering += after && (!before || row.disk_replaced) ? 1 : 0;
    }
    plan.members.push_back(std::move(row));
  }
  for (const std::vector<MemberId>& list : base.owners) {
    const auto left = static_cast<size_t>(
        std::count_if(list.begin(), list.end(), [&holders](MemberId id) { return Has(holders, id); }));
    if (left == 0) {
      ++plan.partitions_lost;
    } else if (list.size() - left >= LeastWriteQuorum(base, list.size())) {
      ++plan.partitions_at_risk;
    }
  }
  return plan;
}

}  // namespace henge
