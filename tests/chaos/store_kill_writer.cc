#include "tests/chaos/store_kill_writer.h"

#include <unistd.h>

#include <cstdio>
#include <memory>
#include <utility>
#include <vector>

#include "node/real/batch_worker_thread.h"
#include "node/real/loop_executor.h"
#include "node/real/system_clock.h"
#include "tests/chaos/store_kill_value.h"

namespace henge::chaos {
namespace {

constexpr int kBatchesInFlight = 8;

class SilentTracer final : public Tracer {
 public:
  bool Enabled(Severity) const override { return false; }
  void Event(Severity, std::string_view, std::initializer_list<TraceField>) override {}
};

// Keeps kBatchesInFlight batches on their way. Lives on the loop.
class Writer {
 public:
  Writer(const WriterOptions& options, StoreEngine& engine, Executor& loop)
      : options_(options), engine_(engine), loop_(loop), random_(options.seed) {}

  void Start() {
    for (int i = 0; i < kBatchesInFlight; ++i) WriteOne();
  }

 private:
  void WriteOne() {
    std::vector<CommitItem> items;
    std::vector<KillAck> acks;
    uint64_t count = 1 + random_.Below(12);
    for (uint64_t i = 0; i < count; ++i) {
      auto index = static_cast<uint32_t>(random_.Below(kKillKeys));
      uint64_t version = (options_.life << 32) + ++written_;
      items.push_back({KillKey(index), {KillValue(index, version), std::nullopt, 0}});
      acks.push_back({version, index, KillAck::CheckOf(version, index)});
    }
    if (options_.ack_early) Acknowledge(acks);
    engine_.Commit(std::move(items), loop_,
                   [this, acks = std::move(acks)](const absl::Status& status, const auto& /*items*/) {
                     if (!status.ok()) {
                       std::fprintf(stderr, "writer: %s\n", status.ToString().c_str());
                       _exit(3);
                     }
                     if (!options_.ack_early) Acknowledge(acks);
                     WriteOne();
                   });
  }

  void Acknowledge(const std::vector<KillAck>& acks) {
    const char* at = reinterpret_cast<const char*>(acks.data());
    size_t left = acks.size() * sizeof(KillAck);
    while (left > 0) {
      ssize_t sent = write(options_.ack_fd, at, left);
      if (sent <= 0) _exit(4);
      at += sent;
      left -= static_cast<size_t>(sent);
    }
  }

  const WriterOptions options_;
  StoreEngine& engine_;
  Executor& loop_;
  Xoshiro random_;
  uint64_t written_ = 0;
};

}  // namespace

StoreOptions KillStoreOptions(std::string data_dir) {
  StoreOptions options;
  options.data_dir = std::move(data_dir);
  options.block_cache_bytes = size_t{4} << 20;
  options.write_buffer_bytes = size_t{256} << 10;  // flushes and compactions within a life
  options.free_bytes_for_writes = options.free_bytes_for_control = 0;
  return options;
}

int RunWriter(const WriterOptions& options) {
  SilentTracer tracer;
  ThreadWorkerFactory workers;
  SystemClock clock;
  auto opened = OpenStoreEngine(KillStoreOptions(options.data_dir), workers, tracer, [](absl::Status status) {
    std::fprintf(stderr, "writer: %s\n", status.ToString().c_str());
    _exit(3);
  });
  if (!opened.ok()) {
    std::fprintf(stderr, "writer: can't open: %s\n", opened.status().ToString().c_str());
    return 3;
  }
  LoopExecutor loop(clock, LoopOptions{"writer", 1024});
  Writer writer(options, **opened, loop);
  loop.Start();
  loop.Post([&writer] { writer.Start(); });
  pause();  // until the kill; any other signal ends the process too
  _exit(5);
}

}  // namespace henge::chaos
