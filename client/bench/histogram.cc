#include "client/bench/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace henge::bench {
namespace {

constexpr int kSubBucketBits = 8;
constexpr int64_t kSubBuckets = int64_t{1} << kSubBucketBits;
constexpr int kValueBits = 42;
constexpr int64_t kValueMax = (int64_t{1} << kValueBits) - 1;
constexpr size_t kBuckets = static_cast<size_t>(kValueBits - kSubBucketBits + 1) << kSubBucketBits;

// A value of b > 8 bits keeps its 9 leading bits: the first says the power of two, the other 8 the bucket in it.
size_t BucketOf(int64_t value) {
  const int shift = std::max(0, static_cast<int>(std::bit_width(static_cast<uint64_t>(value))) - kSubBucketBits - 1);
  return static_cast<size_t>((int64_t{shift} << kSubBucketBits) + (value >> shift));
}

int64_t LargestOf(size_t bucket) {
  if (bucket < 2 * kSubBuckets) return static_cast<int64_t>(bucket);
  const int shift = static_cast<int>(bucket >> kSubBucketBits) - 1;
  const int64_t lead = static_cast<int64_t>(bucket) - (int64_t{shift} << kSubBucketBits);
  return ((lead + 1) << shift) - 1;
}

}  // namespace

Histogram::Histogram() : buckets_(kBuckets) {}

void Histogram::Record(int64_t value) {
  value = std::clamp<int64_t>(value, 0, kValueMax);
  ++buckets_[BucketOf(value)];
  min_ = count_ == 0 ? value : std::min(min_, value);
  max_ = std::max(max_, value);
  sum_ += static_cast<double>(value);
  ++count_;
}

void Histogram::Merge(const Histogram& other) {
  if (other.count_ == 0) return;
  for (size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
  min_ = count_ == 0 ? other.min_ : std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  sum_ += other.sum_;
  count_ += other.count_;
}

double Histogram::mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }

int64_t Histogram::Percentile(double percent) const {
  if (count_ == 0) return 0;
  const double share = std::clamp(percent, 0.0, 100.0) / 100;
  const auto rank = std::max<uint64_t>(1, static_cast<uint64_t>(std::ceil(share * static_cast<double>(count_))));
  uint64_t seen = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    seen += buckets_[i];
    if (seen >= rank) return std::min(LargestOf(i), max_);
  }
  return max_;
}

}  // namespace henge::bench
