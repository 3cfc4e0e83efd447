#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "henge/client.h"

namespace henge {

Resolver ResolveByLongest() {
  return [](const std::vector<std::string>& values) -> absl::StatusOr<std::string> {
    return *std::max_element(values.begin(), values.end(), [](const std::string& a, const std::string& b) {
      return a.size() != b.size() ? a.size() < b.size() : a < b;
    });
  };
}

Resolver ResolveByMax() {
  return [](const std::vector<std::string>& values) -> absl::StatusOr<std::string> {
    return *std::max_element(values.begin(), values.end());
  };
}

Resolver ResolveByUnionOfLines() {
  return [](const std::vector<std::string>& values) -> absl::StatusOr<std::string> {
    std::set<absl::string_view> lines;
    for (const std::string& value : values) {
      for (absl::string_view line : absl::StrSplit(value, '\n')) {
        if (!line.empty()) lines.insert(line);
      }
    }
    std::string result;
    for (absl::string_view line : lines) absl::StrAppend(&result, line, "\n");
    return result;
  };
}

Resolver ResolveByFailing() {
  return [](const std::vector<std::string>& values) -> absl::StatusOr<std::string> {
    return absl::AbortedError(
        absl::StrCat("the key has ", values.size(), " concurrent versions: read them and write what replaces them"));
  };
}

}  // namespace henge
