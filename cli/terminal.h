// What a command sees of the world around it; tests pass their own.
//
// Data goes to `out`, messages to `err`.
#pragma once

#include <functional>
#include <istream>
#include <ostream>
#include <string>

namespace henge::cli {

struct Terminal {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool in_is_terminal = false;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  // The value of an environment variable; empty if it isn't set.
  std::function<std::string(const std::string& name)> environment;
};

}  // namespace henge::cli
