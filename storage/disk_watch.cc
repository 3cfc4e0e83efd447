#include "storage/disk_watch.h"

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <utility>

namespace henge {
namespace {

constexpr uint64_t kLookPeriodMicros = 500'000;

}  // namespace

DiskWatch::DiskWatch(rocksdb::Env& env, std::string path, uint64_t free_bytes_for_writes,
                     uint64_t free_bytes_for_control, Tracer& tracer)
    : env_(env),
      path_(std::move(path)),
      free_bytes_for_writes_(free_bytes_for_writes),
      free_bytes_for_control_(free_bytes_for_control),
      tracer_(tracer) {}

bool DiskWatch::ClaimDue() {
  if (env_.NowMicros() - looked_at_micros_.load(std::memory_order_relaxed) < kLookPeriodMicros) return false;
  return !claimed_.exchange(true);
}

void DiskWatch::Look() {
  uint64_t free_bytes = 0;
  rocksdb::IOStatus status = env_.GetFileSystem()->GetFreeSpace(path_, rocksdb::IOOptions(), &free_bytes, nullptr);
  looked_at_micros_.store(env_.NowMicros(), std::memory_order_relaxed);
  claimed_.store(false);
  if (!status.ok()) return;  // the last class stands; if the disk is broken, the next sync says so
  DiskClass now = Classify(free_bytes);
  DiskClass before = class_.exchange(now, std::memory_order_relaxed);
  if (now == before) return;
  tracer_.Event(now == DiskClass::kPlenty ? Severity::kInfo : Severity::kAlarm, "DiskClassChanged",
                {{"class", static_cast<uint64_t>(now)}, {"free_bytes", free_bytes}});
}

DiskClass DiskWatch::Classify(uint64_t free_bytes) const {
  if (free_bytes < free_bytes_for_control_) return DiskClass::kFull;
  return free_bytes < free_bytes_for_writes_ ? DiskClass::kControlOnly : DiskClass::kPlenty;
}

}  // namespace henge
