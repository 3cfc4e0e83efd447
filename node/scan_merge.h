// Several replicas' pages of one partition, merged into one.
//
// Pure. Each page is in storage order (segment, bucket id, key) and complete up to its last record, so that the merge
// is complete up to the smallest of those ends, and stops there.
#pragma once

#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "core/model/conflict.h"
#include "core/model/object.h"
#include "core/runtime/messages.h"

namespace henge {

struct MergedRecord {
  RecordKey key;
  Object object;
};

struct MergedPage {
  std::vector<MergedRecord> records;
  std::string cursor;   // of the storage, unless done
  bool done = false;    // the partition ends here
  int undecodable = 0;  // records of a replica that were left out, as broken (P35)
};

// `conflict_of` tells the policy of a bucket. INTERNAL if a page says that it is not the last and holds nothing: the
// scan could not go on.
absl::StatusOr<MergedPage> MergeScanPages(std::vector<ScanReply> pages,
                                          absl::FunctionRef<ConflictPolicy(BucketId)> conflict_of);

}  // namespace henge
