#include "cli/resume_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace henge::cli {
namespace {

absl::Status Failed(const std::string& what, const std::string& path) {
  return absl::InternalError(absl::StrCat("can't ", what, " the resume file ", path, ": ", std::strerror(errno),
                                          "; name one in a directory that can be written"));
}

}  // namespace

absl::StatusOr<std::string> ResumeFile::Read() const {
  if (!enabled()) return std::string();
  errno = 0;
  std::ifstream file(path_);
  if (!file && errno == ENOENT) return std::string();
  std::ostringstream text;
  if (file) text << file.rdbuf();
  if (!file) return Failed("read", path_);
  return std::string(absl::StripAsciiWhitespace(text.str()));
}

absl::Status ResumeFile::Write(const std::string& position) const {
  if (!enabled()) return absl::OkStatus();
  std::string scratch = path_ + ".new";
  {
    std::ofstream file(scratch, std::ios::trunc);
    file << position << '\n' << std::flush;
    if (!file) return Failed("write", scratch);
  }
  if (std::rename(scratch.c_str(), path_.c_str()) != 0) return Failed("replace", path_);
  return absl::OkStatus();
}

absl::Status ResumeFile::Remove() const {
  if (!enabled() || std::remove(path_.c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
  return Failed("remove", path_);
}

}  // namespace henge::cli
