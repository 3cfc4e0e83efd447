// Shell completion, written from the command line's own description, so that it can't fall behind it.
#pragma once

#include <CLI/App.hpp>

#include <string>

namespace henge::cli {

std::string BashCompletion(const CLI::App& app);
std::string ZshCompletion(const CLI::App& app);
std::string FishCompletion(const CLI::App& app);

}  // namespace henge::cli
