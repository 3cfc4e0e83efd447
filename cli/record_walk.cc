#include "cli/record_walk.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace henge::cli {
namespace {

uint64_t BytesOf(const ScanItem& item) {
  uint64_t bytes = item.key.size();
  for (const std::string& value : item.values) bytes += value.size();
  return bytes;
}

absl::StatusOr<WalkPosition> StartOf(const WalkFlags& flags, const ResumeFile& resume) {
  if (!flags.cursor.empty()) return DecodePosition(flags.cursor);
  auto token = resume.Read();
  if (!token.ok()) return token.status();
  if (token->empty()) return WalkPosition();
  return DecodePosition(*token);
}

// The first item that hasn't been handled.
size_t FirstNew(const ScanPage& page, const std::string& last_key) {
  if (last_key.empty()) return 0;
  auto at =
      std::find_if(page.items.begin(), page.items.end(), [&](const ScanItem& item) { return item.key == last_key; });
  return at == page.items.end() ? 0 : static_cast<size_t>(at - page.items.begin()) + 1;
}

}  // namespace

std::string EncodePosition(const WalkPosition& position) {
  std::string token = absl::WebSafeBase64Escape(position.cursor);
  if (!position.last_key.empty()) absl::StrAppend(&token, ".", absl::WebSafeBase64Escape(position.last_key));
  // The start of the ring has no bytes, but a token must not be nothing.
  return token.empty() ? "." : token;
}

absl::StatusOr<WalkPosition> DecodePosition(const std::string& token) {
  WalkPosition position;
  std::vector<std::string> parts = absl::StrSplit(token, absl::MaxSplits('.', 1));
  bool good = absl::WebSafeBase64Unescape(parts[0], &position.cursor) &&
              (parts.size() == 1 || absl::WebSafeBase64Unescape(parts[1], &position.last_key));
  if (good && !token.empty()) return position;
  return absl::InvalidArgumentError(
      absl::StrCat("'", token, "' is no cursor: pass on what an earlier run printed, or start without one"));
}

absl::StatusOr<WalkResult> WalkRecords(Context& context, Client& client, const WalkFlags& flags, Progress& progress,
                                       const std::function<void(const ScanItem&)>& handle,
                                       const std::function<absl::Status()>& flush) {
  ResumeFile resume(flags.resume_file);
  auto position = StartOf(flags, resume);
  if (!position.ok()) return position.status();
  ScanOptions options;
  options.bucket = context.flags().bucket;
  options.prefix = flags.prefix;
  options.page_bytes = flags.page_bytes;
  options.timeout = context.flags().timeout;
  WalkResult result;
  while (!result.done && (flags.limit == 0 || result.records < flags.limit)) {
    auto page = client.Scan(position->cursor, options);
    if (!page.ok()) {
      return absl::Status(page.status().code(),
                          absl::StrCat(page.status().message(), "; go on with --cursor ", EncodePosition(*position)));
    }
    size_t next = FirstNew(*page, position->last_key);
    for (; next < page->items.size() && (flags.limit == 0 || result.records < flags.limit); ++next) {
      const ScanItem& item = page->items[next];
      handle(item);
      ++result.records;
      result.bytes += BytesOf(item);
      position->last_key = item.key;
    }
    if (next == page->items.size()) {
      *position = {page->cursor, ""};
      result.done = page->done;
    }
    if (absl::Status status = flush(); !status.ok()) return status;
    result.next = EncodePosition(*position);
    absl::Status saved = result.done ? resume.Remove() : resume.Write(result.next);
    if (!saved.ok()) return saved;
    progress.Update(page->progress, result.records, result.bytes);
  }
  return result;
}

}  // namespace henge::cli
