// The decision of `cluster recover`: the survivors of a lost majority go on as a new cluster (P32).
//
// Pure. A cluster whose majority is gone for ever can't change its state any more, and nobody but an operator can know
// that it is gone for ever. He names who survives, and those make a new cluster *id*: whoever still goes by an old one
// is a stranger from then on, in every message. All else goes on: member ids, stores, buckets, records, hints. What was
// decided so that no second cluster mixes with the first:
//
// - The id is a hash over the old state, the survivors with their stores, and a random number: two recoveries never
//   share one, be it of other survivors, or of the same ones at another time.
// - All survivors accept one and the same state durably before any takes it over; so a command that was interrupted,
//   or is given twice, ends with the state that was accepted first.
// - Of the old cluster and its recoveries, one at most can decide anything, if what the operator says is true. Let S be
//   the survivors of a recovery, all of whom have accepted it.
//   The old cluster: who is not in S is gone, or is no majority. If S is one itself, as it may be when some of it had
//   accepted an earlier recovery and lost their votes, then what the old cluster decided until then had a vote of S,
//   was told with the promises and is what the new one goes on from; and afterwards it decides nothing, as S doesn't
//   vote (an accept is refused by who has voted since it promised).
//   An earlier recovery, of survivors T: who is in both has promised to S, and from then on is told of T's in vain. So
//   only T less S may go by it. That is nobody, or no majority of T, or gone like all who don't answer; otherwise S is
//   refused.
//   A later one: who goes by this one promises nothing any more, so the same is true with this one as the earlier one.
// - The new state's version and every partition's layout epoch begin a new *generation*, far above what the old members
//   may decide if they should come back: no data message of theirs fits (P33).
// - Every old owner that survives stays an owner of what it owned. A member that owns more than before is *recovering*
//   there (P15) until it was compared with the other owners. Moving what it has to others would need former holders
//   that push (P28); so balance comes second.
// - Contexts that the old cluster gave out are refused, as those of any other cluster: they may cover what only the
//   lost members held. Their bearer reads the key again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/model/cluster_state.h"
#include "core/model/survivor_message.h"

namespace henge {

// Versions of a state: the lower bits count what members decide, the rest the recoveries.
inline constexpr int kGenerationBits = 20;
// Ids that buckets had of which no survivor has heard must not be given again (P34): so many are left out.
inline constexpr uint32_t kBucketIdsLeftOut = 1024;

// Who survives, by the words of those that answered, the asking member among them: all that `names` name, or, without
// names, all that answered. Ascending.
// INVALID_ARGUMENT: a name that no member has. UNAVAILABLE: a named one does not answer. FAILED_PRECONDITION: those
// that answer are a majority with their votes, which can decide without any of this (who has accepted a recovery that
// still stands has none); one that answers is not named, and would be given up; the members are not bound to their
// stores yet; another member has a newer state, or one that contradicts.
absl::StatusOr<std::vector<MemberId>> ChooseSurvivors(const ClusterState& state, MemberId asking,
                                                      const SurvivorWords& words,
                                                      const std::vector<std::string>& names);

// The state that the new one goes on from: the newest decided one, or what a survivor has accepted as the next, of the
// highest ballot. The lost members may have decided that, and told an operator.
ClusterState BaseOfRecovery(const ClusterState& state, const SurvivorWords& words);

// The new cluster's state that a survivor has accepted in an earlier attempt and that this one must go on with,
// encoded; empty if there is none. One that goes on from another base than BaseOfRecovery is none: it came to nothing,
// the members have voted on a state since, and it would undo that. One for others is overtaken by this one if all of
// its survivors are here; or if the rest of them are gone, too, which the operator says by recovering some of them
// alone, or by name (`named`), if the rest is no majority of them. FAILED_PRECONDITION, naming them: any other one. Who
// is missing of it may go by it, and be down for a moment only.
absl::StatusOr<std::string> BegunRecovery(const ClusterState& state, const SurvivorWords& words,
                                          const std::vector<MemberId>& survivors, bool named);

// The new cluster's state. `nonce` is random, drawn for this recovery.
ClusterState StateOfSurvivors(const ClusterState& base, const SurvivorWords& words,
                              const std::vector<MemberId>& survivors, uint64_t nonce);

// Whether `next`, as StateOfSurvivors made it, goes on from `base` and from no other state.
bool GoesOnFrom(const ClusterState& next, const ClusterState& base);

// Whether `next` is a state that survivors of `state`'s cluster, `self` with `store` among them, may go on by.
bool IsRecoveryOf(const ClusterState& state, const ClusterState& next, MemberId self, StoreId store);

// What `member` owns by `next` and did not own by `before`, ascending.
std::vector<PartitionId> GainedPartitions(const ClusterState& before, const ClusterState& next, MemberId member);

// What a recovery does, for whoever has to decide on it.
struct RecoveryPlan {
  struct OfMember {
    std::string name;
    bool stays = false;
    bool disk_replaced = false;  // answers from another store than the cluster knows: what that one held is not there
    int owned_before = 0;
    int owned_after = 0;
    int recovering = 0;  // of those, counting for no read until they were compared
  };
  std::vector<OfMember> members;  // all of the old state
  int partitions_lost = 0;        // no owner survives: what is there is hints
  int partitions_at_risk = 0;     // not lost, but as many owners are gone as acknowledge a write
  ClusterId cluster;
  StateVersion version;
  bool begun = false;  // an earlier attempt has begun it
};
RecoveryPlan PlanOf(const ClusterState& base, const ClusterState& next);

}  // namespace henge
