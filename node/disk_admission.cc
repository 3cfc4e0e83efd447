#include "node/disk_admission.h"

#include <algorithm>

namespace henge {

bool IsControlWrite(const Object& object) {
  return std::all_of(object.siblings().begin(), object.siblings().end(), [](const Sibling& s) { return s.tombstone; });
}

absl::Status DiskFullError(DiskClass disk) {
  return absl::ResourceExhaustedError(
      disk == DiskClass::kFull ? "this node's disk is full: free space or add a node"
                               : "this node's disk is nearly full and takes only deletes: free space or add a node");
}

}  // namespace henge
