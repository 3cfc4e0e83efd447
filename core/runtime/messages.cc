#include "core/runtime/messages.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace henge {

uint64_t ObjectDigest(std::string_view canonical_bytes) {
  return XXH3_64bits(canonical_bytes.data(), canonical_bytes.size());
}

}  // namespace henge
