// The keys of a fake cluster, kept in memory: enough of a node's meaning for tests of what clients do.
//
// A put whose context is the newest of its key replaces all versions; any other stands beside them.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/client/fake_node.h"

namespace henge {

class FakeStore {
 public:
  // Serves all nodes of `cluster`, which must not outlive it.
  void Serve(FakeCluster& cluster);

  std::vector<std::string> Values(const std::string& key);
  void Set(const std::string& key, std::vector<std::string> values);
  size_t size();
  // Mutations of this key end with this error from now on.
  void Refuse(const std::string& key, v1::Reply error);
  // Pages of a scan hold this many records.
  void SetPageItems(size_t items) { page_items_ = items; }
  uint64_t gets() const { return gets_; }

 private:
  struct Record {
    std::vector<std::string> values;
    uint64_t writes = 0;
  };

  v1::Reply Handle(const v1::Request& request);
  v1::ScanPageReply Scan(const v1::ScanPageRequest& request);
  static std::string ContextOf(const Record& record);

  std::mutex mutex_;
  std::map<std::string, Record> records_;
  std::map<std::string, v1::Reply> refused_;
  size_t page_items_ = 100;
  std::atomic<uint64_t> gets_{0};
};

}  // namespace henge
