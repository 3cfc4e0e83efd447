#include "tests/unit/storage/test_support.h"

#include <algorithm>

namespace henge::storage_test {

class ManualWorkers::Worker final : public BatchWorker {
 public:
  Worker(ManualWorkers& owner, Handler handler) : owner_(owner), handler_(std::move(handler)) {}
  ~Worker() override { std::erase(owner_.workers_, this); }

  void Submit(std::unique_ptr<WorkItem> item) override {
    if (!stopped_) items_.push_back(std::move(item));
  }
  void Stop() override {
    if (!owner_.killed_) Run();
    items_.clear();
    stopped_ = true;
  }
  bool Run() {
    if (items_.empty()) return false;
    handler_(std::exchange(items_, {}));
    return true;
  }

 private:
  ManualWorkers& owner_;
  Handler handler_;
  std::vector<std::unique_ptr<WorkItem>> items_;
  bool stopped_ = false;
};

std::unique_ptr<BatchWorker> ManualWorkers::MakeWorker(const char*, BatchWorker::Handler handler) {
  auto worker = std::make_unique<Worker>(*this, std::move(handler));
  workers_.push_back(worker.get());
  return worker;
}

bool ManualWorkers::RunAll() {
  if (killed_) return false;
  bool ran = false;
  for (size_t i = 0; i < workers_.size(); ++i) ran = workers_[i]->Run() || ran;
  return ran;
}

int RecordingTracer::Count(std::string_view event) const {
  return static_cast<int>(
      std::count_if(events.begin(), events.end(), [&](const auto& e) { return e.second == event; }));
}

SimStore::SimStore(uint64_t seed)
    : files(std::make_shared<sim::SimFileSystem>(seed)), env(files, seed, [this] { return now_micros; }) {
  options.data_dir = "/var/lib/henge";
  options.env = &env;
  options.deterministic = true;
  options.block_cache_bytes = size_t{1} << 20;
  options.write_buffer_bytes = size_t{64} << 10;
  files->SetFaultPlan([this](const sim::SimIo& io) {
    log_.emplace_back(io.kind, std::string(io.path));
    sim::SimFileSystem::FaultPlan asked = plan;  // it may replace itself
    return asked ? asked(io) : sim::SimFault::kNone;
  });
}

SimStore::~SimStore() { Close(); }

absl::Status SimStore::Open() {
  workers.Revive();
  absl::StatusOr<std::unique_ptr<StoreEngine>> opened =
      OpenStoreEngine(options, workers, tracer, [this](absl::Status status) { fatal.push_back(std::move(status)); });
  if (!opened.ok()) return opened.status();
  engine = *std::move(opened);
  env.RunBackgroundJobs();
  return absl::OkStatus();
}

void SimStore::Close() { engine.reset(); }

void SimStore::Crash(uint64_t seed) {
  files->Freeze();
  workers.Kill();
  engine.reset();
  files->Crash(seed);
}

void SimStore::Kill() {
  files->Freeze();
  workers.Kill();
  engine.reset();
  files->Kill();
}

void SimStore::Settle() {
  bool busy = true;
  while (busy) {
    busy = workers.RunAll();
    busy = env.RunBackgroundJobs() > 0 || busy;
    while (loop.has_work()) {
      loop.RunTurn();
      busy = true;
    }
  }
}

absl::Status SimStore::Commit(std::vector<CommitItem> items) {
  absl::Status result = absl::UnknownError("not answered");
  engine->Commit(std::move(items), loop,
                 [&result](absl::Status status, const auto& /*items*/) { result = std::move(status); });
  Settle();
  return result;
}

StoreEngine::ReadResult SimStore::Read(const RecordKey& key) {
  StoreEngine::ReadResult result = absl::UnknownError("not answered");
  engine->ReadBlocking({key}, loop,
                       [&result](std::vector<StoreEngine::ReadResult> results) { result = std::move(results.at(0)); });
  Settle();
  return result;
}

StoreEngine::ReadResult SimStore::ReadCached(const RecordKey& key) {
  const RecordKey* keys[] = {&key};
  return std::move(engine->ReadCached(keys).at(0));
}

std::string SimStore::Get(const std::string& key) {
  StoreEngine::ReadResult result = Read(Key(key));
  if (!result.ok()) return absl::StatusCodeToString(result.status().code());
  return result->has_value() ? (*result)->object : "(absent)";
}

absl::StatusOr<StoreEngine::Page> SimStore::Scan(PartitionId partition, std::string cursor, size_t bytes_max) {
  absl::StatusOr<StoreEngine::Page> result = absl::UnknownError("not answered");
  engine->Scan(partition, std::move(cursor), bytes_max, loop,
               [&result](absl::StatusOr<StoreEngine::Page> page) { result = std::move(page); });
  Settle();
  return result;
}

std::vector<std::string> SimStore::Files(std::string_view ending) const {
  std::string directory = options.data_dir + "/data";
  std::vector<std::string> paths;
  for (const std::string& name : files->Children(directory)) {
    if (name.ends_with(ending)) paths.push_back(directory + "/" + name);
  }
  return paths;
}

uint64_t SimStore::Count(sim::SimIoKind kind, std::string_view ending) const {
  return static_cast<uint64_t>(std::count_if(log_.begin(), log_.end(), [&](const auto& entry) {
    return entry.first == kind && entry.second.ends_with(ending);
  }));
}

}  // namespace henge::storage_test
