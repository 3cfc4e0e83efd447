// One record as one line of JSON: what export and scan write, and import reads.
//
//   {"key": TEXT | "key_b64": BASE64, "value": TEXT | "value_b64": BASE64}                     one version
//   {"key": ..., "siblings": [{"value": TEXT | "value_b64": BASE64}, ...]}                     several
//   and "context": BASE64, for those who want it; import passes over it.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "henge/client.h"

namespace henge::cli {

std::string ExportLine(const ScanItem& item, bool with_context);

struct ImportRecord {
  std::string key;
  std::vector<std::string> values;  // at least one; several are concurrent versions
};

// INVALID_ARGUMENT, saying what is wrong with the line.
absl::StatusOr<ImportRecord> ParseJsonLine(const std::string& line);
// KEY TAB VALUE, with \t, \n, \r and \\ for those bytes.
absl::StatusOr<ImportRecord> ParseTsvLine(const std::string& line);

}  // namespace henge::cli
