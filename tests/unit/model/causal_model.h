// One key on three replicas, driven step by step, beside an explicit model of its causal history.
//
// The world composes the production mint and merge under rules that can be taken away one by one. Beside each record it
// keeps what the record ought to be as plain sets: which mints it knows, and which of those are live. Any difference
// between record and sets, a dot that is minted twice, a durable value that is lost, a sibling whose writer's successor
// is live, and an order in which merging gives something else are counted as violations.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/model/mint.h"
#include "core/model/object.h"

namespace henge {

// What may be taken away. The defaults are the protocol.
struct Rules {
  enum class Merge {
    kProduction,
    kKeepAll,      // P1 absent: siblings are united without regard to the other's context
    kByVvAlone,    // P1 absent: a sibling goes if the other's vv covers it, even if the other has it too
    kCollapseOps,  // P8 absent: equal op ids are collapsed inside the merge
  };
  Merge merge = Merge::kProduction;
  bool whole_records = true;     // P1
  bool join_context = true;      // P2
  bool redraw_lifetime = true;   // P3
  bool heed_mark = true;         // P4
  bool overlay = true;           // P5
  bool close_on_failure = true;  // P6
  bool belt = true;              // P7
  bool retry_asks_first = true;  // P8
};

struct Violations {
  int reused_dots = 0;
  int lost_values = 0;
  int false_siblings = 0;
  int unlike_history = 0;   // a record is not what the explicit sets say
  int order_dependent = 0;  // merging in another order gave other bytes

  int total() const { return reused_dots + lost_values + false_siblings + unlike_history + order_dependent; }
  Violations& operator+=(const Violations& other);
  std::string ToString() const;
};

class World {
 public:
  static constexpr int kReplicas = 3;
  static constexpr int kMintsMax = 32;
  static constexpr int kNobody = -1;

  explicit World(const Rules& rules) : rules_(rules) {}

  // A client's put through replica `at`, with the context of a read from `seen` (kNobody: blind). With `commit_fails`
  // the record goes out, but never to the own disk.
  void Put(int at, int seen, bool commit_fails = false);
  // Put `put` again through `at`, as a client does that got no answer.
  void Retry(int put, int at);
  // Message `index` reaches its replica, and is gone unless it is `kept` for another delivery.
  void Deliver(int index, bool kept);
  // The oldest of the pending commits of `at` becomes durable.
  void Commit(int at);
  // The process dies and starts again: pending commits are lost.
  void Crash(int at);
  // The record leaves the disk of `at`, as after a move, if another replica holds at least as much. False if not.
  bool Vanish(int at);
  // An old copy of the record is on its way to `at`.
  void Return(int stale, int at);
  // The store of `at` is rolled back to nothing, and its process comes up with the lifetime that it had before (P7).
  // False, and nothing happens, unless the other replicas know more mints of that life than the first one of the new
  // life will make: the belt sees counters only. Needs AckMeansAll() from the beginning.
  bool Twin(int at);
  // An ack means that every replica has the record, not just one disk.
  void AckMeansAll() { ack_means_all_ = true; }

  bool CanMint() const { return static_cast<int>(mints_.size()) < kMintsMax - 2; }
  int messages() const { return static_cast<int>(net_.size()); }
  int Receiver(int message) const { return net_[message].to; }
  int puts() const { return static_cast<int>(puts_.size()); }
  int stale_copies() const { return static_cast<int>(stale_.size()); }
  bool HasPending(int at) const { return !replicas_[at].pending.empty(); }
  bool HasRecord(int at) const { return replicas_[at].disk.has_value(); }
  // Whether a put through `at` still waits for an ack.
  bool AwaitsAck(int at) const;
  int records() const;
  // The live siblings of all replicas together.
  int siblings() const { return static_cast<int>(MergeAll().object.siblings().size()); }

  // Looks at the whole, as if all replicas were merged now. May be called at any time.
  Violations Check() const;

 private:
  using Set = uint32_t;  // of mints, or of puts

  // A record and what it ought to be.
  struct Copy {
    Object object;
    Set known = 0;
    Set live = 0;
  };
  struct Record {
    Copy copy;
    std::optional<Mark> mark;
  };
  struct Replica {
    std::optional<Record> disk;
    std::vector<Record> pending;
    Minter minter;
  };
  struct Message {
    int to = 0;
    int from = kNobody;  // the coordinator that waits for the ack of `mint`; nobody for later deliveries
    int mint = 0;
    std::shared_ptr<const Copy> copy;
  };
  struct Mint {
    Dot dot;
    int put = 0;
  };
  struct PutState {
    Set observed = 0;  // the puts that the client had seen, and all that those had seen
    VersionVector context;
    Set context_mints = 0;
    int mint = 0;  // the last one made for it
    int acks = 0;
    bool minted_twice = false;  // and not by breaking a rule
  };

  const Record* Base(int at) const;
  void MintFor(int put, int at, const VersionVector& context, Set context_mints, bool commit_fails);
  std::optional<Mark> MarkToUse(const Record* base, const VersionVector& joined, const Minter& minter) const;
  void Send(int from, int mint, const Copy& copy);
  void Ack(const Message& message, uint64_t counter);
  Copy MergeAll() const;
  void NewLifetime(int at);
  bool MergeInto(Copy* into, const Copy& other) const;
  void Compare(const Copy& copy);
  Set PutsOf(Set mints) const;
  void CheckOrders(Violations* found) const;

  Rules rules_;
  std::array<Replica, kReplicas> replicas_;
  std::vector<Message> net_;
  std::vector<Mint> mints_;
  std::vector<PutState> puts_;
  std::vector<std::shared_ptr<const Copy>> stale_;
  Set acked_ = 0;
  uint64_t next_lifetime_ = 1;
  int twin_ = kNobody;
  bool ack_means_all_ = false;
  Violations violations_;
};

}  // namespace henge
