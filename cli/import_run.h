// Writes records as they come, many at once, each key's in the order of their lines.
//
// By default a record replaces what its key holds: it is read for its context, then written. Not thread-safe; the
// client's threads come in only through its own lock.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "cli/export_line.h"
#include "henge/client.h"

namespace henge::cli {

struct ImportFigures {
  uint64_t written = 0;
  uint64_t failed = 0;
  uint64_t bytes = 0;  // of keys and values that were written
};

class ImportRun {
 public:
  // `on_error(line, why)` runs under the lock: it must be short, and not call back.
  using OnError = std::function<void(uint64_t line, const absl::Status& why)>;

  ImportRun(Client client, CallOptions options, bool blind, size_t in_flight_max, OnError on_error);
  // Every record must have been waited for.
  ~ImportRun();
  ImportRun(const ImportRun&) = delete;
  ImportRun& operator=(const ImportRun&) = delete;

  // Blocks while too many are under way, or an earlier record of this key is.
  void Add(uint64_t line, ImportRecord record);
  // A line that holds no record that could be written.
  void AddBad(uint64_t line, const absl::Status& why);
  void Wait();

  ImportFigures figures() const;
  // All lines before this one need not be looked at again: they are written, or can't be.
  uint64_t first_open_line(uint64_t lines_read) const;

 private:
  struct Item {
    uint64_t line;
    ImportRecord record;
    size_t next_value = 0;
    uint64_t bytes = 0;
  };
  using ItemPtr = std::shared_ptr<Item>;

  void Read(const ItemPtr& item);
  void Write(const ItemPtr& item, const std::string& context);
  void End(const ItemPtr& item, const absl::Status& status);

  Client client_;
  const CallOptions options_;
  const bool blind_;
  const size_t in_flight_max_;
  const OnError on_error_;

  mutable std::mutex mutex_;
  std::condition_variable ended_;
  std::set<std::string> keys_;     // under way
  std::set<uint64_t> open_lines_;  // under way, or failed in a way that may pass
  size_t in_flight_ = 0;
  ImportFigures figures_;
};

}  // namespace henge::cli
