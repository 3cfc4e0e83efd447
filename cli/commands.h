// The commands of `henge`. Each function adds its subcommands to `app`; parsing the command line sets `chosen` to the
// action of the one that was named.
#pragma once

#include <CLI/App.hpp>

#include "cli/context.h"

namespace henge::cli {

void DeclareKeyCommands(CLI::App& app, Action& chosen);  // put, get, delete
void DeclareScanCommand(CLI::App& app, Action& chosen);
void DeclareImportCommand(CLI::App& app, Action& chosen);
void DeclareExportCommand(CLI::App& app, Action& chosen);
void DeclareVerifyCommand(CLI::App& app, Action& chosen);
void DeclareStatusCommand(CLI::App& app, Action& chosen);
void DeclareRingCommand(CLI::App& app, Action& chosen);
void DeclareBucketCommand(CLI::App& app, Action& chosen);
void DeclareClusterCommand(CLI::App& app, Action& chosen);
void DeclareExplainCommand(CLI::App& app, Action& chosen);
void DeclareEntropyCommands(CLI::App& app, Action& chosen);  // entropy, wait-converged
void DeclareBenchCommand(CLI::App& app, Action& chosen);
// Describes `app` as it stands when the command runs.
void DeclareCompletionCommand(CLI::App& app, Action& chosen);

}  // namespace henge::cli
