#include "tests/sim/sim_disk.h"

#include <algorithm>
#include <utility>

namespace henge::sim {
namespace {

// How many of `count` unsynced things survive a crash: often none, often all.
uint64_t Surviving(uint64_t count, SimRandom* random) {
  switch (random->Below(3)) {
    case 0:
      return 0;
    case 1:
      return count;
    default:
      return random->Below(count + 1);
  }
}

}  // namespace

void SimFile::Write(uint64_t offset, std::string_view data) {
  if (data.empty()) return;
  uint64_t size_before = bytes_.size();
  bool appends = offset == size_before;
  if (appends && !unsynced_.empty() && unsynced_.back().before.empty() &&
      unsynced_.back().offset + unsynced_.back().length == offset) {
    unsynced_.back().length += data.size();
  } else {
    std::string before = offset < size_before ? bytes_.substr(offset, data.size()) : std::string();
    unsynced_.push_back({offset, data.size(), std::move(before), size_before});
  }
  if (bytes_.size() < offset + data.size()) bytes_.resize(offset + data.size());
  bytes_.replace(offset, data.size(), data);
}

void SimFile::Truncate(uint64_t size) {
  if (size == bytes_.size()) return;
  uint64_t size_before = bytes_.size();
  std::string before = size < size_before ? bytes_.substr(size) : std::string();
  unsynced_.push_back({size, 0, std::move(before), size_before});
  bytes_.resize(size);
}

void SimFile::LoseUnsynced(SimRandom* random) {
  if (unsynced_.empty()) return;
  uint64_t kept = Surviving(unsynced_.size(), random);
  while (unsynced_.size() > kept) {
    Undo(unsynced_.back());
    unsynced_.pop_back();
  }
  if (kept > 0 && unsynced_.back().length > 0) {
    Tear(unsynced_.back(), Surviving(unsynced_.back().length, random));
  }
  unsynced_.clear();
}

std::shared_ptr<SimFile> SimFile::DurableCopy() const {
  auto copy = std::make_shared<SimFile>(*this);
  for (; !copy->unsynced_.empty(); copy->unsynced_.pop_back()) copy->Undo(copy->unsynced_.back());
  return copy;
}

void SimFile::Undo(const Change& change) {
  bytes_.resize(change.size_before);
  bytes_.replace(change.offset, change.before.size(), change.before);
}

void SimFile::Tear(const Change& change, uint64_t kept) {
  std::string written = bytes_.substr(change.offset, kept);
  Undo(change);
  if (bytes_.size() < change.offset + kept) bytes_.resize(change.offset + kept);
  bytes_.replace(change.offset, kept, written);
}

std::string ParentPath(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

const SimDisk::Node* SimDisk::Find(const std::string& path) const {
  auto found = now_.find(path);
  return found == now_.end() ? nullptr : &found->second;
}

bool SimDisk::IsDirectory(const std::string& path) const {
  if (path == "/") return true;
  const Node* node = Find(path);
  return node != nullptr && node->file == nullptr;
}

std::vector<std::string> SimDisk::Children(const std::string& path) const {
  std::string prefix = path == "/" ? path : path + "/";
  std::vector<std::string> names;
  for (auto at = now_.lower_bound(prefix); at != now_.end() && at->first.starts_with(prefix); ++at) {
    std::string name = at->first.substr(prefix.size());
    if (!name.empty() && name.find('/') == std::string::npos) names.push_back(std::move(name));
  }
  return names;
}

void SimDisk::Apply(const Change& change, Tree* tree) {
  for (const Entry& entry : change.entries) {
    if (entry.node == nullptr) {
      tree->erase(entry.path);
    } else {
      (*tree)[entry.path] = *entry.node;
    }
  }
}

void SimDisk::Record(Change change) {
  Apply(change, &now_);
  unsynced_.push_back(std::move(change));
}

std::shared_ptr<SimFile> SimDisk::Create(const std::string& path) {
  auto file = std::make_shared<SimFile>();
  Change change{ParentPath(path), {}};
  change.entries.push_back({path, std::make_unique<Node>(Node{file})});
  Record(std::move(change));
  return file;
}

void SimDisk::MakeDirectory(const std::string& path) {
  Change change{ParentPath(path), {}};
  change.entries.push_back({path, std::make_unique<Node>()});
  Record(std::move(change));
}

void SimDisk::Remove(const std::string& path) {
  Change change{ParentPath(path), {}};
  change.entries.push_back({path, nullptr});
  Record(std::move(change));
}

// Both names must lie in one directory: RocksDB and the store rename nowhere else, and then it is one change.
void SimDisk::Rename(const std::string& from, const std::string& to) {
  Change change{ParentPath(to), {}};
  change.entries.push_back({to, std::make_unique<Node>(now_.at(from))});
  change.entries.push_back({from, nullptr});
  Record(std::move(change));
}

void SimDisk::SyncDirectory(const std::string& path) {
  std::vector<Change> others;
  for (Change& change : unsynced_) {
    if (change.parent == path) {
      Apply(change, &durable_);
    } else {
      others.push_back(std::move(change));
    }
  }
  unsynced_ = std::move(others);
}

void SimDisk::Crash(SimRandom random) {
  uint64_t kept = Surviving(unsynced_.size(), &random);
  for (uint64_t i = 0; i < kept; ++i) Apply(unsynced_[i], &durable_);
  unsynced_.clear();
  // What lies in a directory that is gone is gone; parents sort before their children.
  for (auto at = durable_.begin(); at != durable_.end();) {
    std::string parent = ParentPath(at->first);
    bool rooted = parent == "/" || durable_.contains(parent);
    at = rooted ? std::next(at) : durable_.erase(at);
  }
  now_ = durable_;
  for (auto& [path, node] : now_) {
    if (node.file != nullptr) node.file->LoseUnsynced(&random);
  }
}

SimDisk SimDisk::DurableCopy() const {
  SimDisk copy;
  for (const auto& [path, node] : durable_) {
    copy.durable_[path].file = node.file != nullptr ? node.file->DurableCopy() : nullptr;
  }
  copy.now_ = copy.durable_;
  return copy;
}

void SimDisk::Wipe() {
  now_.clear();
  durable_.clear();
  unsynced_.clear();
}

uint64_t SimDisk::used_bytes() const {
  uint64_t used = 0;
  for (const auto& [path, node] : now_) {
    if (node.file != nullptr) used += node.file->bytes().size();
  }
  return used;
}

}  // namespace henge::sim
