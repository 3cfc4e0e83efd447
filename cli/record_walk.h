// Walks over the records of a bucket in ring order, page by page; for scan and export.
//
// A position between two records is a token of text, good for another process: the page's cursor and the last key that
// was handled on that page. If that key is gone by then, the page is walked from its start: records may come twice,
// none is left out.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "cli/context.h"
#include "cli/progress.h"
#include "cli/resume_file.h"

namespace henge::cli {

struct WalkPosition {
  std::string cursor;    // of the page
  std::string last_key;  // handled on the page; empty = none
};
std::string EncodePosition(const WalkPosition& position);
absl::StatusOr<WalkPosition> DecodePosition(const std::string& token);

struct WalkFlags {
  std::string prefix;
  uint64_t limit = 0;  // 0 = none
  std::string cursor;  // token
  std::string resume_file;
  uint32_t page_bytes = 1 << 20;
};

struct WalkResult {
  uint64_t records = 0;
  uint64_t bytes = 0;  // of keys and values
  bool done = false;   // nothing follows
  std::string next;    // token; where to go on
};

// Calls `handle` for each record. The resume file follows after each page, when `flush` has run.
absl::StatusOr<WalkResult> WalkRecords(Context& context, Client& client, const WalkFlags& flags, Progress& progress,
                                       const std::function<void(const ScanItem&)>& handle,
                                       const std::function<absl::Status()>& flush);

}  // namespace henge::cli
