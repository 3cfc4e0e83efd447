#include "cli/context.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace henge::cli {

Output Context::output(Output for_people, Output for_programs) const {
  if (flags_.output != Output::kAuto) return flags_.output;
  return terminal_.out_is_terminal ? for_people : for_programs;
}

absl::StatusOr<Client> Context::Connect() {
  ClientOptions options;
  options.timeout = flags_.timeout;
  options.connect_timeout = std::min(options.connect_timeout, flags_.timeout);
  options.endpoints_only = flags_.direct;
  return Client::Connect(flags_.endpoints, options);
}

CallOptions Context::CallOptionsFor(const Client& client) const {
  CallOptions options;
  options.bucket = flags_.bucket;
  // Every key has as many owners.
  options.quorum = ToQuorum(flags_.consistency, static_cast<uint32_t>(client.Owners("").size()));
  options.timeout = flags_.timeout;
  return options;
}

void Context::Say(const std::string& message) {
  bool colour = terminal_.err_is_terminal && terminal_.environment("NO_COLOR").empty();
  err() << (colour ? "\033[1mhenge:\033[0m " : "henge: ") << message << '\n';
}

ExitCode Context::Fail(const absl::Status& status) {
  std::string what(absl::StatusCodeToString(status.code()));
  Say(absl::StrCat(what, ": ", status.message()));
  return ExitCodeOf(status);
}

ExitCode Context::UsageError(const std::string& message) {
  Say(message);
  return ExitCode::kUsage;
}

}  // namespace henge::cli
