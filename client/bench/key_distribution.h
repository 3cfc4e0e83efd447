// Which key an operation takes, as an index in [0, keys).
//
// Immutable after construction but for the insert counter of "latest"; used by all logical clients at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "client/bench/random.h"

namespace henge::bench {

enum class KeyPattern { kUniform, kZipfian, kLatest };

absl::StatusOr<KeyPattern> ParseKeyPattern(std::string_view name);
const char* KeyPatternName(KeyPattern pattern);

// Ranks [0, n) with probability proportional to 1 / (rank + 1)^theta, 0 < theta < 1, by the closed form of Gray et al.,
// "Quickly generating billion-record synthetic databases".
class ZipfRank {
 public:
  ZipfRank(uint64_t n, double theta);
  uint64_t Next(Rng& rng) const;

 private:
  uint64_t n_;
  double theta_;
  double alpha_;
  double zeta_;
  double eta_;
};

class KeyDistribution {
 public:
  virtual ~KeyDistribution() = default;

  // The index that a read takes.
  virtual uint64_t NextRead(Rng& rng) = 0;
  // The index that a write takes; "latest" appends a new key.
  virtual uint64_t NextWrite(Rng& rng) { return NextRead(rng); }
};

// keys > 0; theta is used by kZipfian and kLatest. Zipfian ranks are scattered over the indices by a permutation, so
// that popular keys are no neighbours and each keeps exactly its share.
std::unique_ptr<KeyDistribution> MakeKeyDistribution(KeyPattern pattern, uint64_t keys, double theta);

}  // namespace henge::bench
