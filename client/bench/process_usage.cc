#include "client/bench/process_usage.h"

#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace henge::bench {

absl::StatusOr<ProcessUsage> ReadProcessUsage(int pid) {
  const std::string path = pid == 0 ? "/proc/self/stat" : absl::StrCat("/proc/", pid, "/stat");
  std::ifstream file(path);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (text.empty()) return absl::NotFoundError(absl::StrCat("no process ", pid, ": ", path, " can't be read"));
  // The command's name stands in parentheses and may hold anything; fields are numbered as in proc(5) from 3 after it.
  const size_t name_end = text.rfind(')');
  constexpr size_t kUserTicks = 14, kSystemTicks = 15, kResidentPages = 24, kFirst = 3;
  std::vector<std::string> fields;
  if (name_end != std::string::npos) fields = absl::StrSplit(text.substr(name_end + 1), ' ', absl::SkipWhitespace());
  uint64_t user = 0, system = 0, pages = 0;
  if (fields.size() <= kResidentPages - kFirst || !absl::SimpleAtoi(fields[kUserTicks - kFirst], &user) ||
      !absl::SimpleAtoi(fields[kSystemTicks - kFirst], &system) ||
      !absl::SimpleAtoi(fields[kResidentPages - kFirst], &pages)) {
    return absl::InternalError(absl::StrCat(path, " has an unknown format"));
  }
  return ProcessUsage{static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK)),
                      pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE))};
}

}  // namespace henge::bench
