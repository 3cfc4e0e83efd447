// What a disk that is short of room still takes (P37). Pure.
#pragma once

#include "absl/status/status.h"
#include "core/model/object.h"
#include "storage/store_engine.h"

namespace henge {

// Whether all that the record says is "deleted": such a write frees room in the end.
bool IsControlWrite(const Object& object);

// RESOURCE_EXHAUSTED, with what to do.
absl::Status DiskFullError(DiskClass disk);

// Whether a write may go on to the disk; a control write passes for longer.
inline absl::Status CheckDisk(DiskClass disk, bool control_write) {
  if (disk == DiskClass::kPlenty || (control_write && disk == DiskClass::kControlOnly)) return absl::OkStatus();
  return DiskFullError(disk);
}

}  // namespace henge
