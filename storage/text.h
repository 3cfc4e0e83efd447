// Between the two string views: Abseil's is a type of its own where Abseil was built as C++14. Internal to storage.
#pragma once

#include <string_view>

#include "absl/strings/string_view.h"

namespace henge {

inline absl::string_view AbslText(std::string_view text) { return {text.data(), text.size()}; }
inline std::string_view StdText(absl::string_view text) { return {text.data(), text.size()}; }

}  // namespace henge
