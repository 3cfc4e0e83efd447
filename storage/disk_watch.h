// How much room the disk has left, as of the last look (P37).
//
// Owned by the engine. Anybody may ask Class() and Due(); Look() asks the file system and runs on a worker.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "storage/store_engine.h"

namespace henge {

class DiskWatch {
 public:
  DiskWatch(rocksdb::Env& env, std::string path, uint64_t free_bytes_for_writes, uint64_t free_bytes_for_control,
            Tracer& tracer);

  DiskClass Class() const { return class_.load(std::memory_order_relaxed); }

  // Whether the last look is old. True for one caller only until the next Look(): it is the one to arrange it.
  bool ClaimDue();
  void Look();

 private:
  DiskClass Classify(uint64_t free_bytes) const;

  rocksdb::Env& env_;
  const std::string path_;
  const uint64_t free_bytes_for_writes_;
  const uint64_t free_bytes_for_control_;
  Tracer& tracer_;
  std::atomic<DiskClass> class_{DiskClass::kPlenty};
  std::atomic<uint64_t> looked_at_micros_{0};
  std::atomic<bool> claimed_{false};
};

}  // namespace henge
