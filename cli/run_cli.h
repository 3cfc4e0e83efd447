// The `henge` command: parses the command line and runs what it names.
#pragma once

#include <string>
#include <vector>

#include "cli/exit_code.h"
#include "cli/terminal.h"

namespace henge::cli {

// `arguments`: without the program's name.
ExitCode RunCli(const std::vector<std::string>& arguments, Terminal& terminal);

}  // namespace henge::cli
