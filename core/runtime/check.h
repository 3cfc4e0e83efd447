// Invariants that stay on in production. Never for remote input, a client's input or a broken disk: those are a Status.
#pragma once

#include <source_location>

namespace henge {

[[noreturn]] void CheckFailed(const char* condition, std::source_location where);

}  // namespace henge

#define HENGE_CHECK(condition)                                           \
  do {                                                                   \
    if (!(condition)) [[unlikely]]                                       \
      ::henge::CheckFailed(#condition, std::source_location::current()); \
  } while (false)
