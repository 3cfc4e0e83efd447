#include "node/scan_merge.h"

#include <algorithm>
#include <compare>
#include <utility>

#include "absl/status/status.h"
#include "core/model/slot.h"

namespace henge {
namespace {

struct Entry {
  uint8_t segment;
  ScannedRecord item;

  bool Before(const Entry& other) const {
    if (segment != other.segment) return segment < other.segment;
    if (item.key.bucket != other.item.key.bucket) return item.key.bucket < other.item.key.bucket;
    return item.key.key < other.item.key.key;
  }
};

using Entries = std::vector<Entry>;

Entries Sorted(std::vector<ScannedRecord> items) {
  Entries entries;
  entries.reserve(items.size());
  for (ScannedRecord& item : items) {
    const uint8_t segment = SegmentOf(item.key.bucket, item.key.key);
    entries.push_back({segment, std::move(item)});
  }
  return entries;
}

}  // namespace

absl::StatusOr<MergedPage> MergeScanPages(std::vector<ScanReply> pages,
                                          absl::FunctionRef<ConflictPolicy(BucketId)> conflict_of) {
  MergedPage merged;
  merged.done = true;
  std::vector<Entries> lists;
  const Entry* end = nullptr;
  lists.reserve(pages.size());
  for (ScanReply& page : pages) {
    lists.push_back(Sorted(std::move(page.items)));
    if (page.done) continue;
    if (lists.back().empty())
      return absl::InternalError("a replica's page of a scan holds nothing and is not the last");
    const Entry* last = &lists.back().back();
    if (end != nullptr && !last->Before(*end)) continue;
    end = last;
    merged.done = false;
    merged.cursor = std::move(page.cursor);
  }
  // `end` points into a list, whose entries are moved from below: what it stands for is kept.
  const Entry limit = end == nullptr ? Entry{} : Entry{end->segment, {end->item.key, {}}};
  Entries all;
  for (Entries& list : lists) {
    for (Entry& entry : list) {
      if (merged.done || !limit.Before(entry)) all.push_back(std::move(entry));
    }
  }
  std::stable_sort(all.begin(), all.end(), [](const Entry& a, const Entry& b) { return a.Before(b); });
  for (Entry& entry : all) {
    absl::StatusOr<Object> object = Object::Decode(entry.item.object);
    if (!object.ok()) {
      ++merged.undecodable;
      continue;
    }
    if (!merged.records.empty() && merged.records.back().key == entry.item.key) {
      MergeRecord(conflict_of(entry.item.key.bucket), &merged.records.back().object, *std::move(object));
    } else {
      merged.records.push_back({std::move(entry.item.key), *std::move(object)});
    }
  }
  return merged;
}

}  // namespace henge
