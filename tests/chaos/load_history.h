// What the clients of a run with faults wrote, read and were told, a history for each key, so that the simulator's
// checkers can judge it; and what they say of it.
//
// Thread-safe up to the judgement. A value names its key and its write.
#pragma once

#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/model/time.h"
#include "tests/sim/checkers.h"
#include "tests/sim/history.h"

namespace henge::chaos {

using Seen = std::set<sim::MutationId>;  // 0 stands for a value that nobody wrote under this key

MonotonicTime SteadyNow();

class LoadHistory {
 public:
  explicit LoadHistory(int keys) : keys_(static_cast<size_t>(keys)) {}

  int keys() const { return static_cast<int>(keys_.size()); }
  static std::string KeyOf(int key) { return "k" + std::to_string(key); }
  static std::string ValueOf(int key, sim::MutationId id, size_t padding);

  struct Write {
    int key = 0;
    int client = 0;
    bool is_delete = false;
    bool blind = false;
    Seen observed;  // what the context that it is sent with covers
  };
  sim::MutationId Begin(const Write& write);
  // `attempts` of the client; after more than one the write may have been minted twice.
  void End(int key, sim::MutationId id, sim::OpStatus status, int attempts);

  // A read that was answered; which writes it showed.
  Seen AddRead(int key, int client, MonotonicTime began, const std::vector<std::string>& values);

  // The last reads of all keys through one node, after the clients have ended; none = not answered.
  using FinalReads = std::vector<std::optional<Seen>>;
  static Seen SeenIn(int key, const std::vector<std::string>& values);

  // After the clients have ended. `finals` by node.
  //  I1 an acked write is neither shown at the end, nor superseded by what is, nor deleted by who had seen it
  //  I2 a value was read that nobody wrote there
  //  I4 a version was read beside one whose writer had seen it
  //  I7 a version is shown at the end that an acked write or delete had replaced
  //  I3 two nodes show different things at the end
  sim::Violations Judge(const std::vector<FinalReads>& finals);
  uint64_t acked() const;
  uint64_t unknown() const;

 private:
  struct Key {
    mutable std::mutex mutex;
    sim::History history;
  };

  uint64_t CountOf(sim::OpStatus status) const;
  void JudgeKey(int key, const std::vector<FinalReads>& finals, sim::Violations* out);

  std::deque<Key> keys_;
};

}  // namespace henge::chaos
