// What the clients of a simulated run did and saw. The checkers judge a run by this, never by a server's clock.
//
// Every mutation has a number of its own, which is its op id and part of its value, so that a value that is read names
// the one write that made it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/model/ids.h"
#include "core/model/time.h"

namespace henge::sim {

using MutationId = uint32_t;  // from 1

enum class OpStatus : uint8_t {
  kInvoked,  // no answer yet; as kInfo at the end of the run
  kOk,
  kFail,  // definitely not applied
  kInfo,  // unknown: may take effect at any later time
};

struct MutationRecord {
  MutationId id = 0;
  std::string key;
  bool is_delete = false;
  bool blind = false;             // no context was sent
  bool covers_by_server = false;  // a delete without a context: covers what the coordinator read
  bool last_writer_wins = false;  // of its bucket
  bool strict = false;            // W owners, with R + W > N
  int client = 0;
  std::set<MutationId>
      observed;  // what the context covers, as far as this client knows: values read, tombstones covered
  // Deletes among these that the context covers, but not all that came before them. A blind write's context covers
  // lower counters of its coordinator, deletes among them: what uses it takes their place, and has not seen what they
  // had.
  std::set<MutationId> in_passing;
  OpStatus status = OpStatus::kInvoked;
  int attempts = 0;
  size_t times_minted = 0;  // dots that it got, filled in at the end: more than one after a retry that could not know
  MonotonicTime invoked_at{}, done_at{};
  uint32_t durable = 0, primaries = 0, fallbacks = 0;  // of the ack
  uint32_t w = 0;
};

struct ReadRecord {
  std::string key;
  int client = 0;
  uint32_t r = 0;
  bool final = false;   // after the heal, from all replicas
  bool strict = false;  // R owners, with R + W > N
  MonotonicTime invoked_at{}, done_at{};
  std::vector<MutationId> values;  // in the order of the reply
  std::set<MutationId> known;      // those, and the deletes that the context covers
  bool context_covers_values = true;
  bool context_covers_past = true;  // all that the writers of the values had seen
};

class History {
 public:
  MutationRecord& NewMutation(std::string key, int client);
  void AddRead(ReadRecord read) { reads_.push_back(std::move(read)); }

  const MutationRecord* Find(MutationId id) const;
  MutationRecord* Find(MutationId id);
  const std::vector<MutationRecord>& mutations() const { return mutations_; }
  const std::vector<ReadRecord>& reads() const { return reads_; }

  // Everything that `from` descends from, by observation. Writes that failed carry nothing.
  std::set<MutationId> Ancestors(const std::set<MutationId>& from) const;
  // Of these, what the writers had seen: not what is known of a delete that was covered in passing.
  std::set<MutationId> Witnessed(const std::set<MutationId>& from) const;

  static std::string ValueOf(MutationId id, size_t padding);
  // The mutation that made `value`, or nullopt if no mutation's value looks so.
  static std::optional<MutationId> IdOf(std::string_view value);
  static OpId OpIdOf(uint64_t seed, MutationId id) { return OpId{seed + 1, id}; }

 private:
  std::set<MutationId> Past(const std::set<MutationId>& from, bool in_passing) const;

  std::vector<MutationRecord> mutations_;  // by id
  std::vector<ReadRecord> reads_;
};

}  // namespace henge::sim
