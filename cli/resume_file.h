// A small file that says how far long work has come, so that it goes on there after a break.
//
// Replaced as a whole, so that a crash leaves the old or the new text; removed when the work is done.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace henge::cli {

class ResumeFile {
 public:
  // No path: nothing is read and nothing written.
  explicit ResumeFile(std::string path) : path_(std::move(path)) {}

  bool enabled() const { return !path_.empty(); }
  // What was written last, without the line's end; empty if there is no such file.
  absl::StatusOr<std::string> Read() const;
  absl::Status Write(const std::string& position) const;
  absl::Status Remove() const;

 private:
  const std::string path_;
};

}  // namespace henge::cli
