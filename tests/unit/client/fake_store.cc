#include "tests/unit/client/fake_store.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/model/limits.h"

namespace henge {

void FakeStore::Serve(FakeCluster& cluster) {
  for (size_t i = 0; i < cluster.size(); ++i) {
    cluster.node(i).OnRequest([this](const v1::Request& request) { return Handle(request); });
    cluster.node(i).OnScan([this](const v1::ScanPageRequest& request) { return Scan(request); });
  }
}

std::vector<std::string> FakeStore::Values(const std::string& key) {
  std::lock_guard lock(mutex_);
  return records_[key].values;
}

void FakeStore::Set(const std::string& key, std::vector<std::string> values) {
  std::lock_guard lock(mutex_);
  records_[key].values = std::move(values);
  ++records_[key].writes;
}

size_t FakeStore::size() {
  std::lock_guard lock(mutex_);
  size_t live = 0;
  for (const auto& [key, record] : records_) live += record.values.empty() ? 0 : 1;
  return live;
}

void FakeStore::Refuse(const std::string& key, v1::Reply error) {
  std::lock_guard lock(mutex_);
  refused_[key] = std::move(error);
}

std::string FakeStore::ContextOf(const Record& record) { return absl::StrCat("\xff", "context ", record.writes); }

v1::Reply FakeStore::Handle(const v1::Request& request) {
  std::lock_guard lock(mutex_);
  Record& record = records_[request.key()];
  v1::Reply reply;
  reply.mutable_facts()->set_needed(2);
  if (request.op() == v1::OP_GET) {
    ++gets_;
    for (const auto& value : record.values) reply.add_values(value);
    reply.set_context(ContextOf(record));
    reply.mutable_facts()->set_answered(2);
    return reply;
  }
  if (auto it = refused_.find(request.key()); it != refused_.end()) return it->second;
  bool blind_delete = request.op() == v1::OP_DELETE && request.context().empty();
  if (blind_delete || request.context() == ContextOf(record)) record.values.clear();
  if (request.op() == v1::OP_PUT) record.values.push_back(request.value());
  ++record.writes;
  reply.set_outcome(v1::OUTCOME_APPLIED);
  reply.set_siblings(static_cast<uint32_t>(record.values.size()));
  reply.set_context(ContextOf(record));
  reply.mutable_facts()->set_durable(3);
  reply.mutable_facts()->set_primaries(3);
  return reply;
}

// The cursor is the last key of the page.
v1::ScanPageReply FakeStore::Scan(const v1::ScanPageRequest& request) {
  std::lock_guard lock(mutex_);
  v1::ScanPageReply reply;
  auto it = request.cursor().empty() ? records_.begin() : records_.upper_bound(request.cursor());
  for (; it != records_.end() && static_cast<size_t>(reply.entries_size()) < page_items_; ++it) {
    reply.set_cursor(it->first);
    if (it->second.values.empty() || !absl::StartsWith(it->first, request.prefix())) continue;
    auto* entry = reply.add_entries();
    entry->set_key(it->first);
    for (const auto& value : it->second.values) entry->add_values(value);
    entry->set_context(ContextOf(it->second));
  }
  reply.set_done(it == records_.end());
  reply.set_partitions_done(kPartitionCount / 2);
  return reply;
}

}  // namespace henge
