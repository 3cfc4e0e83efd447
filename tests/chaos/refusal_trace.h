// What a refusal by a real henged must leave behind: the words, a line in its log, a count. Printed, and judged.
#pragma once

#include <cstdio>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "tests/chaos/henged_cluster.h"

namespace henge::chaos {

// The first line of its log that holds both; it may have to be waited for. Empty: there is none.
inline std::string AwaitLine(HengedProcess& process, const std::string& event, const std::string& also = "") {
  std::string found;
  const auto is_there = [&] {
    std::istringstream log(process.Stderr());
    for (std::string line; found.empty() && std::getline(log, line);) {
      if (line.find(event) != std::string::npos && line.find(also) != std::string::npos) found = line;
    }
    return !found.empty();
  };
  return HengedCluster::AwaitTrue(is_there) ? found : "";
}

struct RefusalTrace {
  std::string refusal;
  std::string line;
  uint64_t before = 0;
  uint64_t after = 0;
};
inline void ExpectTrace(const char* what, const RefusalTrace& trace) {
  std::printf("%s\n  refusal: %s\n  log:     %s\n  counter: %lu -> %lu\n", what, trace.refusal.c_str(),
              trace.line.c_str(), static_cast<unsigned long>(trace.before), static_cast<unsigned long>(trace.after));
  EXPECT_FALSE(trace.line.empty()) << what << " is not in the log";
  EXPECT_GT(trace.after, trace.before) << what << " is not counted";
}

}  // namespace henge::chaos
