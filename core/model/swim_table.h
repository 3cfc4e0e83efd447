// What one node believes of each member: the rules by which news of SWIM override each other, and which news still go
// out.
//
// A pure value of one loop. Holds every member of the cluster state, dead ones included, until the operator removes
// it: nobody is forgotten, so a healed partition always finds together again. Members are walked in the order of ids.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/model/ids.h"
#include "core/model/liveness.h"
#include "core/model/swim_message.h"
#include "core/model/time.h"

namespace henge {

// Of a process that has just started.
inline constexpr uint64_t kIncarnationFirst = 1;
// No honest incarnation gets there: it grows by one for each refuted suspicion.
inline constexpr uint64_t kIncarnationMax = uint64_t{1} << 52;
// What somebody else may say about a member's incarnation, beyond what is known here. The member itself may say more.
inline constexpr uint64_t kIncarnationJumpMax = uint64_t{1} << 20;
// Whether a member that is held at `incarnation` can still say more, and so refute. Who was brought to the top by
// forged news begins again at the bottom, and its own word is taken for that: nobody stays dead for ever.
constexpr bool CanBeExceeded(uint64_t incarnation) { return incarnation + 1 < kIncarnationMax; }

struct SuspicionSettings {
  Duration min = std::chrono::seconds(3);   // once enough others have confirmed it
  Duration max = std::chrono::seconds(15);  // while nobody else has
  int confirmations = 2;                    // how many others are enough; fewer in a small cluster
};

class SwimTable {
 public:
  struct Entry {
    Liveness liveness = Liveness::kAlive;
    uint64_t incarnation = 0;  // 0 = nothing has been heard of it
    std::string address;       // empty = as in the cluster state
    // While suspect:
    MonotonicTime suspect_since{};
    MonotonicTime suspect_until{};
    std::vector<MemberId> accusers;  // distinct, the latest last, bounded by what shortens the suspicion
    // How often the news of this entry have gone out; kQuiet = they need not any more.
    int transmits = kQuiet;
  };
  static constexpr int kQuiet = INT32_MAX;

  enum class Verdict : uint8_t {
    kOld,      // nothing new
    kChanged,  // taken over; told on
    kRefuted,  // it was about this node and wrong: its incarnation has grown
    kForged,   // an incarnation that nobody can have: refused, or jumped above if it is this node's own
  };

  // `address` is this node's own.
  SwimTable(MemberId self, std::string address, SuspicionSettings suspicion);

  // Takes the cluster state's members; `self` stays in any case.
  void SetMembers(std::span<const MemberId> members);

  // `from` is who said it. kDead said by another about a member that is alive here counts as a suspicion, if
  // `hearsay`: after a heal each side holds the other dead, and its members get their say first.
  Verdict Apply(MonotonicTime now, MemberId from, const SwimUpdate& update, bool hearsay);
  // This node got no answer from `member`.
  Verdict Suspect(MonotonicTime now, MemberId member);
  // Declares dead whose suspicion has run out; returns them.
  std::vector<MemberId> Expire(MonotonicTime now);
  // The first suspicion to run out; MonotonicTime::max() without any.
  MonotonicTime NextExpiry() const;

  SwimUpdate Own() const { return UpdateOf(self_); }
  SwimUpdate UpdateOf(MemberId member) const;
  bool HasNews() const;
  // The least told news, at most `count`, none about `except`; counted as told.
  void TakeNews(size_t count, MemberId except, std::vector<SwimUpdate>* out);
  std::vector<SwimUpdate> All() const;

  const std::map<MemberId, Entry>& entries() const { return entries_; }
  const Entry* Find(MemberId member) const;
  uint64_t incarnation() const { return Find(self_)->incarnation; }
  LivenessPtr Snapshot() const;

 private:
  Verdict ApplyOwn(const SwimUpdate& update);
  // The member itself says less than what is held of it, which nobody can exceed.
  Verdict BeginAgain(const SwimUpdate& update, Entry& entry);
  Verdict ApplyAlive(const SwimUpdate& update, Entry& entry);
  Verdict ApplySuspect(MonotonicTime now, const SwimUpdate& update, Entry& entry);
  void SetSuspicionEnd(Entry& entry) const;
  int ConfirmationsNeeded() const;
  int TransmitsMax() const;

  const MemberId self_;
  const SuspicionSettings suspicion_;
  std::map<MemberId, Entry> entries_;
};

}  // namespace henge
