#include "core/runtime/check.h"

#include <cstdio>
#include <cstdlib>

namespace henge {

void CheckFailed(const char* condition, std::source_location where) {
  std::fprintf(stderr, "henge: invariant violated: %s at %s:%u in %s\n", condition, where.file_name(), where.line(),
               where.function_name());
  std::abort();
}

}  // namespace henge
