// Latencies in log-linear buckets: exact below 512, then 256 buckets per power of two, so that a percentile is wrong by
// less than 0.4 % at any magnitude, at a fixed cost per value.
//
// Owned by one recorder stripe; not thread-safe. Invariant: count() is the sum of all buckets.
#pragma once

#include <cstdint>
#include <vector>

namespace henge::bench {

class Histogram {
 public:
  Histogram();

  // Negative values count as 0; values from 2^42 on (73 minutes in nanoseconds) as 2^42 - 1.
  void Record(int64_t value);
  void Merge(const Histogram& other);

  uint64_t count() const { return count_; }
  int64_t min() const { return count_ == 0 ? 0 : min_; }
  int64_t max() const { return max_; }
  double mean() const;

  // The smallest recorded magnitude that at least `percent` % of the values do not exceed, rounded up to the end of its
  // bucket and never above max(). 0 if nothing was recorded.
  int64_t Percentile(double percent) const;

 private:
  std::vector<uint64_t> buckets_;
  uint64_t count_ = 0;
  int64_t min_ = 0;
  int64_t max_ = 0;
  double sum_ = 0;
};

}  // namespace henge::bench
