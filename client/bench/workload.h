// What is done: the mix of reads and writes, on which keys, with which values.
//
// Immutable but for the key counters; used by all logical clients at once, each with its own Rng.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "client/bench/key_distribution.h"
#include "client/bench/random.h"

namespace henge::bench {

struct ValueSize {
  uint32_t bytes_min = 256;
  uint32_t bytes_max = 256;
};

struct WorkloadOptions {
  uint64_t keys = 100'000;
  std::string key_prefix = "bench:";
  KeyPattern pattern = KeyPattern::kUniform;
  double theta = 0.99;
  ValueSize value_size;
  double read_share = 0;  // 0 = writes only, 1 = reads only
};

enum class OpKind { kGet, kPut };

struct Op {
  OpKind kind = OpKind::kGet;
  uint64_t index = 0;
  std::string_view value;  // into the workload's own bytes
};

// "<prefix><12 digits>": every key of a run has the same length.
std::string KeyName(std::string_view prefix, uint64_t index);

class OpSource {
 public:
  virtual ~OpSource() = default;
  virtual Op Next(Rng& rng) = 0;
};

// Incompressible bytes, of which a value is a slice at a random offset: making a value costs nothing.
class ValuePool {
 public:
  ValuePool(ValueSize size, uint64_t seed);
  std::string_view Next(Rng& rng) const;

 private:
  ValueSize size_;
  std::string bytes_;
};

// The measured mix.
class MixedOps : public OpSource {
 public:
  MixedOps(double read_share, KeyDistribution& keys, const ValuePool& values)
      : read_share_(read_share), keys_(keys), values_(values) {}
  Op Next(Rng& rng) override;

 private:
  double read_share_;
  KeyDistribution& keys_;
  const ValuePool& values_;
};

// Writes every key once, in order.
class PrefillOps : public OpSource {
 public:
  explicit PrefillOps(const ValuePool& values) : values_(values) {}
  Op Next(Rng& rng) override;

 private:
  const ValuePool& values_;
  std::atomic<uint64_t> next_{0};
};

}  // namespace henge::bench
