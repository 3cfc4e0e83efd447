// One engine on a simulated disk, with a loop and workers that run when the test says so.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "core/model/slot.h"
#include "core/runtime/clock.h"
#include "core/runtime/turn_loop.h"
#include "storage/store_engine.h"
#include "tests/sim/sim_env.h"

namespace henge::storage_test {

inline RecordKey Key(std::string key, uint32_t bucket = 1) {
  PartitionId partition = PartitionOf(key);
  return {partition, BucketId(bucket), std::move(key)};
}

inline CommitItem Item(std::string key, std::string object, std::optional<Mark> mark = std::nullopt) {
  return {Key(std::move(key)), {std::move(object), mark, 1'700'000'000'000}};
}

class FixedClock final : public Clock {
 public:
  MonotonicTime Now() const override { return MonotonicTime(); }
  WallTime WallNow() const override { return WallTime(); }
};

// A loop whose turns the test runs.
class ManualLoop final : public Executor {
 public:
  void Post(Closure closure) override {
    ++posts;
    loop_.Post(std::move(closure));
  }
  TimerId RunAt(MonotonicTime when, Closure closure) override { return loop_.RunAt(when, std::move(closure)); }
  void Cancel(TimerId timer) override { loop_.Cancel(timer); }
  void AtTurnEnd(TurnPhase phase, Closure closure) override { loop_.AtTurnEnd(phase, std::move(closure)); }

  bool has_work() const { return loop_.HasWork(); }
  void RunTurn() { loop_.RunTurn(clock_, 1024); }
  void End() { loop_.End(); }

  int posts = 0;

 private:
  FixedClock clock_;
  TurnLoop loop_;
};

// Workers that run when the test says so, each on all that it has gathered.
class ManualWorkers final : public WorkerFactory {
 public:
  std::unique_ptr<BatchWorker> MakeWorker(const char*, BatchWorker::Handler handler) override;
  // Whether anything was there to handle.
  bool RunAll();
  // As a killed process: nothing is handled any more, not even by Stop().
  void Kill() { killed_ = true; }
  void Revive() { killed_ = false; }

 private:
  class Worker;
  std::vector<Worker*> workers_;
  bool killed_ = false;
};

class RecordingTracer final : public Tracer {
 public:
  bool Enabled(Severity) const override { return true; }
  void Event(Severity severity, std::string_view event, std::initializer_list<TraceField>) override {
    events.emplace_back(severity, std::string(event));
  }
  int Count(std::string_view event) const;

  std::vector<std::pair<Severity, std::string>> events;
};

class SimStore {
 public:
  explicit SimStore(uint64_t seed = 1);
  ~SimStore();

  absl::Status Open();
  void Close();
  // The process dies with the machine; what was not synced is partly lost. Then Open() again.
  void Crash(uint64_t seed);
  // The process dies, the page cache stays.
  void Kill();

  // Runs workers, loop and background jobs until all is quiet.
  void Settle();

  absl::Status Commit(std::vector<CommitItem> items);
  absl::Status Put(std::string key, std::string object) { return Commit({Item(std::move(key), std::move(object))}); }
  StoreEngine::ReadResult Read(const RecordKey& key);
  StoreEngine::ReadResult ReadCached(const RecordKey& key);
  // The object under `key`; "(absent)" or the status' code in words if there is none.
  std::string Get(const std::string& key);
  absl::StatusOr<StoreEngine::Page> Scan(PartitionId partition, std::string cursor, size_t bytes_max);

  // Files of the database with this ending, in order.
  std::vector<std::string> Files(std::string_view ending) const;
  // How often `kind` was done to files with this ending so far.
  uint64_t Count(sim::SimIoKind kind, std::string_view ending) const;

  StoreOptions options;
  uint64_t now_micros = 1'700'000'000'000'000;
  std::shared_ptr<sim::SimFileSystem> files;
  sim::SimEnv env;
  ManualWorkers workers;
  ManualLoop loop;
  RecordingTracer tracer;
  std::vector<absl::Status> fatal;
  sim::SimFileSystem::FaultPlan plan;
  std::unique_ptr<StoreEngine> engine;

 private:
  std::vector<std::pair<sim::SimIoKind, std::string>> log_;
};

}  // namespace henge::storage_test
