// The platters under a simulated node: what is in the page cache, what is synced, and what a crash leaves.
//
// Files and directory entries are volatile until synced, each for itself: a file's bytes by a sync of the file, its
// name (made, renamed or removed) by a sync of its directory. Renaming is atomic. A crash keeps, by the seed, some
// beginning of what was not synced: of each file's changes, in their order, the last one possibly torn; and of all
// directory entries' changes, in their order. Plain and deterministic; SimFileSystem puts RocksDB's interface before
// it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/sim_random.h"

namespace henge::sim {

// The bytes of one file. Kept alive by open handles after its last name is gone.
class SimFile {
 public:
  const std::string& bytes() const { return bytes_; }

  void Write(uint64_t offset, std::string_view data);
  void Truncate(uint64_t size);
  void Sync() { unsynced_.clear(); }

  // Takes back some end of what was not synced.
  void LoseUnsynced(SimRandom* random);
  // A copy of what is synced, as a new file.
  std::shared_ptr<SimFile> DurableCopy() const;
  // For damage: changes the platter itself.
  void FlipBit(uint64_t offset, int bit) { bytes_[offset] = static_cast<char>(bytes_[offset] ^ (1 << bit)); }

 private:
  // One change: what stood in the place before, and how long the file was.
  struct Change {
    uint64_t offset;
    uint64_t length;
    std::string before;
    uint64_t size_before;
  };
  void Undo(const Change& change);
  void Tear(const Change& change, uint64_t kept);

  std::string bytes_;
  std::vector<Change> unsynced_;
};

class SimDisk {
 public:
  struct Node {
    std::shared_ptr<SimFile> file;  // null for a directory
  };

  // Paths are absolute, with neither "//" nor a '/' at the end, but for the root.
  const Node* Find(const std::string& path) const;
  bool IsDirectory(const std::string& path) const;
  std::vector<std::string> Children(const std::string& path) const;  // sorted

  std::shared_ptr<SimFile> Create(const std::string& path);
  void MakeDirectory(const std::string& path);
  void Remove(const std::string& path);
  void Rename(const std::string& from, const std::string& to);
  void SyncDirectory(const std::string& path);

  void Crash(SimRandom random);
  // What a crash that loses all that is not synced would leave, as a disk of its own; this one stays as it is.
  SimDisk DurableCopy() const;
  void Wipe();

  uint64_t used_bytes() const;

 private:
  // A directory entry set or (null node) removed.
  struct Entry {
    std::string path;
    std::unique_ptr<Node> node;
  };
  // One atomic change of entries, all in directory `parent`.
  struct Change {
    std::string parent;
    std::vector<Entry> entries;
  };
  using Tree = std::map<std::string, Node>;
  static void Apply(const Change& change, Tree* tree);
  void Record(Change change);

  Tree now_;
  Tree durable_;
  std::vector<Change> unsynced_;
};

std::string ParentPath(const std::string& path);

}  // namespace henge::sim
