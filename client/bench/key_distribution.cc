#include "client/bench/key_distribution.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "absl/strings/str_cat.h"

namespace henge::bench {
namespace {

class Uniform : public KeyDistribution {
 public:
  explicit Uniform(uint64_t keys) : keys_(keys) {}
  uint64_t NextRead(Rng& rng) override { return rng.Below(keys_); }

 private:
  uint64_t keys_;
};

// The golden section of `keys`, moved to the next number that shares no factor with it: multiples of it visit every
// index once, far from the one before.
uint64_t ScatterFactor(uint64_t keys) {
  auto factor = std::max<uint64_t>(1, static_cast<uint64_t>(static_cast<double>(keys) * 0.6180339887));
  while (std::gcd(factor, keys) != 1) ++factor;
  return factor;
}

class Zipfian : public KeyDistribution {
 public:
  Zipfian(uint64_t keys, double theta) : keys_(keys), factor_(ScatterFactor(keys)), rank_(keys, theta) {}
  uint64_t NextRead(Rng& rng) override {
    const auto product = absl::uint128(rank_.Next(rng)) * factor_;
    return absl::Uint128Low64(product % keys_);
  }

 private:
  uint64_t keys_;
  uint64_t factor_;
  ZipfRank rank_;
};

// The newest key is the most popular one.
class Latest : public KeyDistribution {
 public:
  Latest(uint64_t keys, double theta) : next_(keys), rank_(keys, theta) {}
  uint64_t NextRead(Rng& rng) override { return next_.load(std::memory_order_relaxed) - 1 - rank_.Next(rng); }
  uint64_t NextWrite(Rng&) override { return next_.fetch_add(1, std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> next_;
  ZipfRank rank_;
};

}  // namespace

absl::StatusOr<KeyPattern> ParseKeyPattern(std::string_view name) {
  for (KeyPattern pattern : {KeyPattern::kUniform, KeyPattern::kZipfian, KeyPattern::kLatest}) {
    if (name == KeyPatternName(pattern)) return pattern;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("unknown key pattern '", std::string(name), "': use uniform, zipfian or latest"));
}

const char* KeyPatternName(KeyPattern pattern) {
  switch (pattern) {
    case KeyPattern::kUniform:
      return "uniform";
    case KeyPattern::kZipfian:
      return "zipfian";
    case KeyPattern::kLatest:
      return "latest";
  }
  return "uniform";
}

ZipfRank::ZipfRank(uint64_t n, double theta) : n_(n), theta_(theta), alpha_(1 / (1 - theta)), zeta_(0), eta_(0) {
  // Smallest terms first, for the precision of the sum.
  for (uint64_t i = n; i >= 1; --i) zeta_ += std::pow(static_cast<double>(i), -theta);
  const double zeta2 = 1 + std::pow(2.0, -theta);
  if (n > 2) eta_ = (1 - std::pow(2.0 / static_cast<double>(n), 1 - theta)) / (1 - zeta2 / zeta_);
}

uint64_t ZipfRank::Next(Rng& rng) const {
  const double u = rng.Fraction();
  const double mass = u * zeta_;
  if (mass < 1 || n_ == 1) return 0;
  if (mass < 1 + std::pow(0.5, theta_) || n_ == 2) return 1;
  const auto rank = static_cast<uint64_t>(static_cast<double>(n_) * std::pow(eta_ * u - eta_ + 1, alpha_));
  return std::min(rank, n_ - 1);
}

std::unique_ptr<KeyDistribution> MakeKeyDistribution(KeyPattern pattern, uint64_t keys, double theta) {
  switch (pattern) {
    case KeyPattern::kUniform:
      return std::make_unique<Uniform>(keys);
    case KeyPattern::kZipfian:
      return std::make_unique<Zipfian>(keys, theta);
    case KeyPattern::kLatest:
      return std::make_unique<Latest>(keys, theta);
  }
  return nullptr;
}

}  // namespace henge::bench
