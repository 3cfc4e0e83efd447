#include "node/record_caps.h"

#include "absl/strings/str_cat.h"
#include "core/model/limits.h"

namespace henge {
namespace {

// Upper bounds of what the encoding adds to the values.
constexpr size_t kSiblingOverheadBytes = 96;
constexpr size_t kVersionEntryBytes = 40;

}  // namespace

absl::Status CheckCaps(const Object& base, const VersionVector& context, const Mutation& mutation) {
  if (mutation.tombstone) return absl::OkStatus();
  size_t siblings = 1;
  size_t bytes = mutation.value.size() + kSiblingOverheadBytes;
  bytes += (base.vv().size() + context.size() + 1) * kVersionEntryBytes;
  for (const Sibling& sibling : base.siblings()) {
    if (context.Covers(sibling.dot)) continue;
    ++siblings;
    bytes += sibling.value.size() + kSiblingOverheadBytes;
  }
  constexpr char kWhatToDo[] = ": read the key, resolve its versions into one, and write that with the read's context";
  if (siblings > kSiblingsMax) {
    return absl::FailedPreconditionError(
        absl::StrCat("the key would have ", siblings, " concurrent versions, the limit is ", kSiblingsMax, kWhatToDo));
  }
  if (bytes > kObjectBytesMax) {
    return absl::FailedPreconditionError(absl::StrCat("the concurrent versions of the key would have ", bytes,
                                                      " bytes, the limit is ", kObjectBytesMax, kWhatToDo));
  }
  return absl::OkStatus();
}

}  // namespace henge
