#include "tests/sim/sim_env.h"

#include <ctime>

#include <rocksdb/system_clock.h>

#include <cstdio>
#include <utility>

#include "core/runtime/check.h"

namespace henge::sim {
namespace {

class SimSystemClock final : public rocksdb::SystemClock {
 public:
  explicit SimSystemClock(std::function<uint64_t()> wall_micros) : wall_micros_(std::move(wall_micros)) {}

  const char* Name() const override { return "HengeSimClock"; }
  uint64_t NowMicros() override { return wall_micros_(); }
  // A job that waits would wait for ever: it holds the only thread.
  void SleepForMicroseconds(int) override {}
  rocksdb::Status GetCurrentTime(int64_t* unix_seconds) override {
    *unix_seconds = static_cast<int64_t>(wall_micros_() / 1'000'000);
    return rocksdb::Status::OK();
  }
  std::string TimeToString(uint64_t seconds) override { return std::to_string(seconds); }

 private:
  const std::function<uint64_t()> wall_micros_;
};

}  // namespace

SimEnv::SimEnv(std::shared_ptr<SimFileSystem> file_system, uint64_t seed, std::function<uint64_t()> wall_micros)
    : EnvWrapper(rocksdb::NewCompositeEnv(file_system)),
      files_(std::move(file_system)),
      ids_(SimRandom(seed).Split("ids")) {
  file_system_ = files_;
  system_clock_ = std::make_shared<SimSystemClock>(std::move(wall_micros));
}

SimEnv::~SimEnv() { HENGE_CHECK(jobs_.empty()); }

size_t SimEnv::RunBackgroundJobs() {
  size_t ran = 0;
  while (RunOneBackgroundJob()) ++ran;
  return ran;
}

bool SimEnv::RunOneBackgroundJob() {
  if (jobs_.empty()) return false;
  Job job = jobs_.front();
  jobs_.pop_front();
  const std::clock_t began = std::clock();
  job.function(job.argument);
  background_cpu_seconds_ += static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
  return true;
}

void SimEnv::Schedule(void (*function)(void*), void* argument, Priority priority, void* tag,
                      void (*unscheduled)(void*)) {
  jobs_.push_back({function, argument, priority, tag, unscheduled});
}

int SimEnv::UnSchedule(void* tag, Priority priority) {
  std::deque<Job> kept;
  std::vector<Job> dropped;
  for (const Job& job : jobs_) {
    if (job.tag == tag && job.priority == priority) {
      dropped.push_back(job);
    } else {
      kept.push_back(job);
    }
  }
  jobs_ = std::move(kept);
  for (const Job& job : dropped) {
    if (job.unscheduled != nullptr) job.unscheduled(job.argument);
  }
  return static_cast<int>(dropped.size());
}

void SimEnv::StartThread(void (*)(void*), void*) {
  const bool threads_exist_in_the_simulation = false;
  HENGE_CHECK(threads_exist_in_the_simulation);
}

unsigned int SimEnv::GetThreadPoolQueueLen(Priority priority) const {
  unsigned int count = 0;
  for (const Job& job : jobs_) count += job.priority == priority ? 1 : 0;
  return count;
}

uint64_t SimEnv::NowMicros() { return system_clock_->NowMicros(); }

uint64_t SimEnv::NowNanos() { return system_clock_->NowNanos(); }

rocksdb::Status SimEnv::GetCurrentTime(int64_t* unix_seconds) { return system_clock_->GetCurrentTime(unix_seconds); }

rocksdb::Status SimEnv::GetHostName(char* name, uint64_t size) {
  std::snprintf(name, size, "simulated");
  return rocksdb::Status::OK();
}

// The shape of a UUID: RocksDB keeps such an id in a file and in tables.
std::string SimEnv::GenerateUniqueId() {
  char id[40];
  uint64_t high = ids_.Next64();
  uint64_t low = ids_.Next64();
  std::snprintf(id, sizeof(id), "%08x-%04x-%04x-%04x-%012llx", static_cast<unsigned>(high >> 32),
                static_cast<unsigned>(high >> 16 & 0xffff), static_cast<unsigned>(high & 0xffff),
                static_cast<unsigned>(low >> 48), static_cast<unsigned long long>(low & 0xffffffffffff));
  return id;
}

}  // namespace henge::sim
