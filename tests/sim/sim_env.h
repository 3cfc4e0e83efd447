// RocksDB's environment on one thread: a simulated file system, virtual time, and background jobs that wait to be run.
//
// One per simulated node, made once; it outlives every engine that is opened on it. Flushes and compactions queue up in
// Schedule() and run when the owner calls RunBackgroundJobs(): after each event that used the engine, so that crashes
// land between "flush scheduled" and "flush done" too. Closing a database drops its queued jobs.
#pragma once

#include <rocksdb/env.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/sim_file_system.h"

namespace henge::sim {

class SimEnv final : public rocksdb::EnvWrapper {
 public:
  // `wall_micros` tells the virtual wall time. Ids that RocksDB and the store draw come from `seed`.
  SimEnv(std::shared_ptr<SimFileSystem> file_system, uint64_t seed, std::function<uint64_t()> wall_micros);
  ~SimEnv() override;

  SimFileSystem& files() { return *files_; }

  // Runs what is queued, and what that queues, until nothing is left. Returns how many jobs ran.
  size_t RunBackgroundJobs();
  // Runs the oldest job; false if there is none.
  bool RunOneBackgroundJob();
  size_t queued_jobs() const { return jobs_.size(); }
  // What the jobs took of the real processor; a figure for people, which nothing depends on.
  double background_cpu_seconds() const { return background_cpu_seconds_; }

  const char* Name() const override { return "HengeSimEnv"; }
  void Schedule(void (*function)(void*), void* argument, Priority priority, void* tag,
                void (*unscheduled)(void*)) override;
  int UnSchedule(void* tag, Priority priority) override;
  void StartThread(void (*function)(void*), void* argument) override;
  void WaitForJoin() override {}
  unsigned int GetThreadPoolQueueLen(Priority priority) const override;
  int ReserveThreads(int, Priority) override { return 0; }
  int ReleaseThreads(int, Priority) override { return 0; }
  void SetBackgroundThreads(int, Priority) override {}
  int GetBackgroundThreads(Priority priority) override { return priority == BOTTOM ? 0 : 1; }
  void IncBackgroundThreadsIfNeeded(int, Priority) override {}

  uint64_t NowMicros() override;
  uint64_t NowNanos() override;
  uint64_t NowCPUNanos() override { return 0; }
  void SleepForMicroseconds(int) override {}
  rocksdb::Status GetCurrentTime(int64_t* unix_seconds) override;
  rocksdb::Status GetHostName(char* name, uint64_t size) override;
  std::string GenerateUniqueId() override;

 private:
  struct Job {
    void (*function)(void*);
    void* argument;
    Priority priority;
    void* tag;
    void (*unscheduled)(void*);
  };

  std::shared_ptr<SimFileSystem> files_;
  std::deque<Job> jobs_;
  double background_cpu_seconds_ = 0;
  SimRandom ids_;
};

}  // namespace henge::sim
