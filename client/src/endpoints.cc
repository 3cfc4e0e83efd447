#include "client/src/endpoints.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/src/text.h"
#include "core/model/limits.h"

namespace henge::sdk {
namespace {

constexpr uint32_t kPortMax = 65535;

absl::Status Check(std::string_view endpoint) {
  size_t colon = endpoint.rfind(':');
  std::string_view host = endpoint.substr(0, colon);
  uint32_t port = 0;
  bool good_port = colon != std::string_view::npos && absl::SimpleAtoi(AbslText(endpoint.substr(colon + 1)), &port) &&
                   port >= 1 && port <= kPortMax;
  bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  bool good_host = !host.empty() && (bracketed || host.find_first_of(":/ \t@") == std::string_view::npos);
  if (good_port && good_host && endpoint.size() <= kAddressBytesMax) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "'", AbslText(endpoint), "' is not an endpoint: write host:port, such as 127.0.0.1:7400 or [::1]:7400"));
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ParseEndpoints(std::string_view endpoints) {
  std::vector<std::string> result;
  for (absl::string_view field : absl::StrSplit(AbslText(endpoints), ',')) {
    std::string_view part = StdText(absl::StripAsciiWhitespace(field));
    if (part.empty()) continue;
    if (absl::Status status = Check(part); !status.ok()) return status;
    if (std::find(result.begin(), result.end(), part) == result.end()) result.emplace_back(part);
  }
  if (result.empty())
    return absl::InvalidArgumentError("no endpoint is given: write host:port, such as 127.0.0.1:7400");
  return result;
}

}  // namespace henge::sdk
