// Keeps what goes on and on from filling the log: each thing is said once a minute, and few things at a time.
//
// A plain value of whoever writes the events; as thread-safe as its owner makes it. Counters count each time: this only
// decides what is said.
#pragma once

#include <map>
#include <string>

#include "core/model/time.h"

namespace henge {

class RepeatGuard {
 public:
  static constexpr Duration kSayAgainAfter = std::chrono::minutes(1);
  // So that what others make up as they go can't fill the log either.
  static constexpr size_t kThingsMax = 16;

  // Whether `thing` may be said at `now`; if so, it counts as said.
  bool MaySay(const std::string& thing, MonotonicTime now) {
    std::erase_if(said_, [now](const auto& said) { return now - said.second >= kSayAgainAfter; });
    return said_.size() < kThingsMax && said_.try_emplace(thing, now).second;
  }

 private:
  std::map<std::string, MonotonicTime> said_;
};

}  // namespace henge
