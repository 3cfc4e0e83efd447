// What a command runs with: the flags that all share, the terminal, and the ways to say how it ended.
#pragma once

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "cli/exit_code.h"
#include "cli/flags.h"
#include "cli/terminal.h"
#include "henge/client.h"

namespace henge::cli {

class Context {
 public:
  Context(Terminal& terminal, CommonFlags flags) : terminal_(terminal), flags_(std::move(flags)) {}

  Terminal& terminal() { return terminal_; }
  std::ostream& out() { return terminal_.out; }
  std::ostream& err() { return terminal_.err; }
  const CommonFlags& flags() const { return flags_; }

  // The output that was asked for; by itself `for_people` on a terminal, else `for_programs`.
  Output output(Output for_people, Output for_programs) const;
  Output output() const { return output(Output::kTable, Output::kTable); }

  absl::StatusOr<Client> Connect();
  // For calls of `client`, with the bucket, consistency and timeout of the flags.
  CallOptions CallOptionsFor(const Client& client) const;

  // Prints "henge: message", in colour on a terminal that isn't told not to.
  void Say(const std::string& message);
  ExitCode Fail(const absl::Status& status);
  ExitCode UsageError(const std::string& message);

 private:
  Terminal& terminal_;
  CommonFlags flags_;
};

using Action = std::function<ExitCode(Context&)>;

}  // namespace henge::cli
