#include "node/real/thread_name.h"

#include <sys/prctl.h>

#include <string>

namespace henge {

void NameThisThread(std::string_view name) {
  // PR_SET_NAME cuts longer names itself and fails for no other reason than a bad pointer.
  prctl(PR_SET_NAME, std::string(name).c_str());
}

}  // namespace henge
