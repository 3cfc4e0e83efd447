// RocksDB's statuses as ours, in one place. Internal to storage.
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace rocksdb {
class Status;
}

namespace henge {

// DATA_LOSS for damage, RESOURCE_EXHAUSTED for a full disk, UNAVAILABLE for what only the disk could answer,
// PERMISSION_ DENIED and FAILED_PRECONDITION (locked) by the system's error, INTERNAL for the rest. `doing` opens the
// message.
absl::Status FromRocks(const rocksdb::Status& status, std::string_view doing);

// The sticky status of a store that failed at `doing`, for good (P36): what happened, and what to do.
absl::Status FatalStatus(const rocksdb::Status& status, std::string_view doing);

// What an operator does about a store that lost data, to end such a message; the longer one where no file was touched.
inline constexpr char kDamageAdvice[] =
    "nothing was changed; restore the disk, or wipe this node's data directory and let it be rebuilt from its peers";
inline constexpr const char* kRebuildAdvice = kDamageAdvice + sizeof("nothing was changed; ") - 1;

}  // namespace henge
