// Where a scan of the cluster stands, as the client carries it from page to page: opaque to it.
//
// Encoding: format byte, cluster id, partition, storage cursor of the partition, checksum of all that. Untrusted input.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "core/model/ids.h"

namespace henge {

struct ScanCursor {
  int partition = 0;         // the next one to read from; kPartitionCount at the end of the ring
  std::string in_partition;  // the storage's cursor; empty = from its start

  bool operator==(const ScanCursor&) const = default;
};

std::string SealScanCursor(const ScanCursor& cursor, ClusterId cluster);

// INVALID_ARGUMENT if it is broken or of another cluster. An empty `sealed` is the start of the ring.
absl::StatusOr<ScanCursor> OpenScanCursor(std::string_view sealed, ClusterId cluster);

}  // namespace henge
