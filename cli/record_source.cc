#include "cli/record_source.h"

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace henge::cli {
namespace {

// Room for the largest record with many siblings, in base64.
constexpr uint64_t kLineBytesMax = uint64_t{64} << 20;

bool IsTsv(const std::string& path, const std::string& format) {
  if (!format.empty()) return format == "tsv";
  return path.size() > 4 && path.compare(path.size() - 4, 4, ".tsv") == 0;
}

}  // namespace

absl::StatusOr<RecordSource> RecordSource::Open(const std::string& path, const std::string& format,
                                                std::istream& standard_input) {
  RecordSource source;
  source.tsv_ = IsTsv(path, format);
  source.in_ = &standard_input;
  if (path.empty() || path == "-") return source;
  source.file_ = std::make_unique<std::ifstream>(path, std::ios::binary | std::ios::ate);
  std::ifstream& file = *source.file_;
  // A directory opens, but has no end.
  if (!file || file.tellg() < 0 || file.tellg() == std::ifstream::pos_type(INT64_MAX)) {
    return absl::InvalidArgumentError(
        absl::StrCat("can't read ", path, ": ", std::strerror(errno == 0 ? EISDIR : errno)));
  }
  source.bytes_total_ = static_cast<double>(file.tellg());
  file.seekg(0);
  source.in_ = &file;
  return source;
}

std::optional<absl::StatusOr<ImportRecord>> RecordSource::Next() {
  bool too_long = false;
  do {
    if (!NextLine(too_long)) return std::nullopt;
  } while (line_.empty());
  if (too_long) return absl::InvalidArgumentError("it is longer than any record can be");
  return tsv_ ? ParseTsvLine(line_) : ParseJsonLine(line_);
}

// Reads a line without its end. What is longer than any record is read to its end, but not kept.
bool RecordSource::NextLine(bool& too_long) {
  line_.clear();
  too_long = false;
  std::streambuf& buffer = *in_->rdbuf();
  uint64_t bytes = 0;
  int c = buffer.sbumpc();
  for (; c != EOF && c != '\n'; c = buffer.sbumpc(), ++bytes) {
    too_long = bytes >= kLineBytesMax;
    if (!too_long) line_.push_back(static_cast<char>(c));
  }
  if (c == EOF && bytes == 0) return false;
  ++lines_read_;
  bytes_read_ += bytes + 1;
  if (!line_.empty() && line_.back() == '\r') line_.pop_back();
  return true;
}

}  // namespace henge::cli
