// Debian's Abseil is built with a string_view of its own: these carry text across.
#pragma once

#include <string_view>

#include "absl/strings/string_view.h"

namespace henge::sdk {

inline absl::string_view AbslText(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view StdText(absl::string_view text) { return {text.data(), text.size()}; }

}  // namespace henge::sdk
