// The replicas of a whole cluster in memory, behind the seam that scans and explain use.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/model/slot.h"
#include "node/replica_caller.h"
#include "tests/unit/coordinator/fakes.h"

namespace henge::node_test {

class FakeReplicaCaller final : public ReplicaCaller {
 public:
  explicit FakeReplicaCaller(Executor& loop) : loop_(loop) {}

  void Put(MemberId member, const std::string& key, const Object& object, BucketId bucket = BucketId(1)) {
    const PartitionId partition = PartitionOf(key);
    records_[member][partition][{SegmentOf(bucket, key), {bucket, key}}] = object.Encode();
  }

  void Call(MemberId member, PeerRequest request, MonotonicTime, Transport::Callback done) override {
    ++calls[member];
    loop_.Post([this, member, request = std::move(request), done = std::move(done)]() mutable {
      if (down.contains(member)) return done(absl::UnavailableError("down"));
      if (auto* scan = std::get_if<ScanRequest>(&request)) return done(Scan(member, *scan));
      const auto& read = std::get<ReadRequest>(request);
      if (!read.from_hints) return done(Read(member, read.key));
      auto hint = hints.find({member, read.key.key});
      done(hint == hints.end() ? ReadReply() : ReadReply{.found = true, .object = hint->second.Encode()});
    });
  }

  std::set<MemberId> down;
  std::map<MemberId, int> calls;
  std::map<std::pair<MemberId, std::string>, Object> hints;  // by who keeps them, and the key
  size_t items_per_page = 3;

 private:
  // Storage order: segment, bucket id, key.
  using StorageKey = std::pair<uint8_t, std::pair<BucketId, std::string>>;
  using Partition = std::map<StorageKey, std::string>;

  ScanReply Scan(MemberId member, const ScanRequest& request) {
    const Partition& partition = records_[member][request.partition];
    ScanReply page;
    auto it = partition.begin();
    while (it != partition.end() && !request.cursor.empty() && CursorOf(it->first) <= request.cursor) ++it;
    for (; it != partition.end() && page.items.size() < items_per_page; ++it) {
      const auto& [bucket, key] = it->first.second;
      page.items.push_back({{request.partition, bucket, key}, it->second});
      page.cursor = CursorOf(it->first);
    }
    page.done = it == partition.end();
    return page;
  }

  ReadReply Read(MemberId member, const RecordKey& key) {
    const Partition& partition = records_[member][key.partition];
    auto it = partition.find({SegmentOf(key.bucket, key.key), {key.bucket, key.key}});
    if (it == partition.end()) return {};
    return {.found = true, .object = it->second, .mark = Mark{Lifetime(1), 1, 1}, .written_at_ms = 5};
  }

  static std::string CursorOf(const StorageKey& key) {
    return std::string(1, static_cast<char>(key.first)) + static_cast<char>(key.second.first.value()) +
           key.second.second;
  }

  Executor& loop_;
  std::map<MemberId, std::map<PartitionId, Partition>> records_;
};

}  // namespace henge::node_test
