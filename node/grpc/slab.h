// Places that are used again: a value is found by a small number, and nothing is allocated once it is warm.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace henge {

template <class T>
class Slab {
 public:
  uint32_t Add(T value) {
    if (free_.empty()) {
      values_.push_back(std::move(value));
      return static_cast<uint32_t>(values_.size() - 1);
    }
    const uint32_t place = free_.back();
    free_.pop_back();
    values_[place] = std::move(value);
    return place;
  }

  T Take(uint32_t place) {
    T value = std::exchange(values_[place], T{});
    free_.push_back(place);
    return value;
  }

  size_t size() const { return values_.size() - free_.size(); }

 private:
  std::vector<T> values_;
  std::vector<uint32_t> free_;
};

}  // namespace henge
