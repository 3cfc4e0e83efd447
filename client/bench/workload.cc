#include "client/bench/workload.h"

namespace henge::bench {
namespace {

constexpr size_t kPoolBytes = size_t{1} << 20;

}  // namespace

std::string KeyName(std::string_view prefix, uint64_t index) {
  constexpr size_t kDigits = 12;
  std::string key(prefix.size() + kDigits, '0');
  key.replace(0, prefix.size(), prefix);
  for (size_t i = key.size(); index > 0 && i > prefix.size(); index /= 10)
    key[--i] = static_cast<char>('0' + index % 10);
  return key;
}

ValuePool::ValuePool(ValueSize size, uint64_t seed) : size_(size), bytes_(kPoolBytes + size.bytes_max, '\0') {
  Rng rng(seed);
  for (char& byte : bytes_) byte = static_cast<char>(rng.Next() >> 56);
}

std::string_view ValuePool::Next(Rng& rng) const {
  const size_t bytes = size_.bytes_min + rng.Below(uint64_t{size_.bytes_max} - size_.bytes_min + 1);
  return std::string_view(bytes_).substr(rng.Below(kPoolBytes), bytes);
}

Op MixedOps::Next(Rng& rng) {
  if (rng.Fraction() < read_share_) return {OpKind::kGet, keys_.NextRead(rng), {}};
  return {OpKind::kPut, keys_.NextWrite(rng), values_.Next(rng)};
}

Op PrefillOps::Next(Rng& rng) {
  return {OpKind::kPut, next_.fetch_add(1, std::memory_order_relaxed), values_.Next(rng)};
}

}  // namespace henge::bench
