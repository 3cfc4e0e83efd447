// What `top -H` and a debugger call a thread.
#pragma once

#include <string_view>

namespace henge {

// Names the calling thread; the system keeps the first 15 bytes.
void NameThisThread(std::string_view name);

}  // namespace henge
