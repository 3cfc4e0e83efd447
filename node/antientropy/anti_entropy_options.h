// Settings and figures of anti-entropy. Plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/model/difference_watch.h"
#include "core/model/ids.h"
#include "core/model/time.h"

namespace henge {

struct AntiEntropyOptions {
  // Between two rounds of a shard, half of it more or less by chance; each round is with another peer.
  Duration interval = std::chrono::seconds(3);
  // The same while a partition is recovering: reads count less until it ends.
  Duration interval_recovering = std::chrono::milliseconds(100);
  // A leaf is scanned if it differs twice, this far apart: longer than a write takes to its last owner.
  Duration confirm = std::chrono::milliseconds(500);
  Duration call_time_max = std::chrono::seconds(2);
  size_t leaves_watched_max = size_t{1} << 16;
  int lanes = 16;  // leaves that are repaired at a time
  // Then the next peer's turn comes, whatever is left; the next round with this one goes on.
  Duration repair_time_max = std::chrono::minutes(1);
  uint64_t bytes_per_second = uint64_t{16} << 20;
  Duration budget_ahead = std::chrono::milliseconds(100);
};

struct ScrubOptions {
  Duration pause = std::chrono::seconds(5);  // before each partition: a full store takes about a day
  Duration pause_between_passes = std::chrono::hours(1);
  Duration confirm = std::chrono::milliseconds(200);
};

// Whose trees these are.
struct AntiEntropyPlace {
  MemberId self;
  uint32_t shards = 1;
  uint32_t shard = 0;
};

struct AntiEntropyFigures {
  uint64_t rounds = 0;        // ended, with whatever result
  uint64_t rounds_equal = 0;  // without a difference
  uint64_t rounds_failed = 0;
  uint64_t rounds_refused = 0;  // of the failed ones: by peers whose trees have other parameters (H27)
  uint64_t leaves_scanned = 0;
  uint64_t leaves_left = 0;     // to the peer, which was repairing them already
  uint64_t repaired_here = 0;   // records merged here, durably
  uint64_t repaired_there = 0;  // records that a peer has merged, durably
  uint64_t bytes_moved = 0;     // of records
  uint64_t refused = 0;         // requests about trees that are not those that both have (H27)
  uint64_t recovering = 0;      // partitions whose reads don't count now (P15)
};

struct ScrubFigures {
  uint64_t passes = 0;
  uint64_t partitions = 0;
  uint64_t records = 0;           // whole ones
  uint64_t leaves_rewritten = 0;  // were not those of their records; each an alarm
  uint64_t unreadable = 0;        // leaves that the disk refused to read
  uint64_t leaves_mended = 0;     // of those: every record that another owner has was compared, and mended if broken
};

// What the rounds saw of the differences to one peer.
struct PeerEntropy {
  MemberId peer;
  uint64_t leaves_differing = 0;
  std::vector<DifferencesOf::OfPartition> partitions;  // the leaves, by partition; ascending
  // The age of the oldest write that only one of the two has: at least since a round saw the difference; at most since
  // the last one that did not, if there was one.
  std::optional<Duration> oldest_min;
  std::optional<Duration> oldest_max;
  std::optional<Duration> finished;  // since the last round that was carried through
  // Until what is known is repaired: until the peer's turn comes, and at the pace at which leaves were repaired so far.
  // None: nothing was repaired yet, or the peer is dead, or the last round with it failed.
  std::optional<Duration> convergence;
};

}  // namespace henge
