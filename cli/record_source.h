// Records from a file or standard input, a line at a time; for import and verify.
#pragma once

#include <cstdint>
#include <fstream>
#include <istream>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "cli/export_line.h"

namespace henge::cli {

class RecordSource {
 public:
  // `path` empty or "-": `standard_input`, which must outlive this. `format`: jsonl, tsv, or empty for what the name of
  // the file says. INVALID_ARGUMENT if the file can't be read.
  static absl::StatusOr<RecordSource> Open(const std::string& path, const std::string& format,
                                           std::istream& standard_input);

  // The next line that isn't empty: its record, or why it is none. Absent at the end.
  std::optional<absl::StatusOr<ImportRecord>> Next();

  uint64_t lines_read() const { return lines_read_; }
  // 0..1 of the whole; negative if nobody knows.
  double share() const { return bytes_total_ > 0 ? static_cast<double>(bytes_read_) / bytes_total_ : -1; }

 private:
  bool NextLine(bool& too_long);

  std::unique_ptr<std::ifstream> file_;  // null = standard input
  std::istream* in_ = nullptr;
  bool tsv_ = false;
  std::string line_;
  double bytes_total_ = -1;
  uint64_t bytes_read_ = 0;
  uint64_t lines_read_ = 0;
};

}  // namespace henge::cli
