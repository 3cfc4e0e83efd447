// The program's version, as `--version` and the status show it.
#pragma once

namespace henge {

inline constexpr char kHengeVersion[] = "0.1.0";

}  // namespace henge
