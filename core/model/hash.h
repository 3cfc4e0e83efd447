// The one hash function of formats and look-ups: XXH3, 64 bits, the same on every machine. Not a defence against
// forgery.
#pragma once

#include <cstdint>
#include <string_view>

namespace henge {

uint64_t Hash64(std::string_view bytes, uint64_t seed = 0);

}  // namespace henge
