#include "tests/chaos/chaos_load.h"

#include <optional>
#include <utility>

#include "core/runtime/xoshiro.h"

namespace henge::chaos {
namespace {

using std::chrono::steady_clock;

sim::OpStatus StatusOf(const WriteResult& result) {
  if (result.ok()) return sim::OpStatus::kOk;
  return result.outcome == Outcome::kNotApplied ? sim::OpStatus::kFail : sim::OpStatus::kInfo;
}

}  // namespace

struct ChaosLoad::Worker {
  int number;
  Client client;
  SecondRecorder::Track& track;
  Xoshiro random;
};

ChaosLoad::ChaosLoad(ChaosLoadOptions options, std::string endpoints, SecondRecorder& recorder, LoadHistory& history)
    : options_(options), endpoints_(std::move(endpoints)), recorder_(recorder), history_(history) {}

ChaosLoad::~ChaosLoad() { Stop(); }

absl::Status ChaosLoad::Start() {
  std::optional<Client> shared;
  const ClientOptions sdk{.timeout = options_.timeout, .retry = {.patience = options_.patience}};
  for (int i = 0; i < options_.clients; ++i) {
    if (i % options_.clients_per_connection_set == 0) {
      absl::StatusOr<Client> connected = Client::Connect(endpoints_, sdk);
      if (!connected.ok()) return connected.status();
      shared = *std::move(connected);
    }
    auto worker = std::make_unique<Worker>(
        Worker{i, *shared, recorder_.NewTrack(), Xoshiro(options_.seed * 1000 + static_cast<uint64_t>(i))});
    threads_.emplace_back([this, worker = std::move(worker)] { Run(*worker); });
  }
  return absl::OkStatus();
}

void ChaosLoad::Stop() {
  stop_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void ChaosLoad::Run(Worker& worker) {
  while (!stop_) {
    const int key = static_cast<int>(worker.random.Below(static_cast<uint64_t>(history_.keys())));
    const uint64_t dice = worker.random.Below(100);
    LoadHistory::Write write{.key = key, .client = worker.number};
    if (dice < options_.blind_puts) {
      write.blind = true;
      Write(worker, std::move(write), "");
      continue;
    }
    ReadResult read;
    if (!Read(worker, key, &read, &write.observed) || dice < options_.blind_puts + options_.gets) continue;
    write.is_delete = dice >= options_.blind_puts + options_.gets + options_.updates;
    if (!write.is_delete || read.found()) Write(worker, std::move(write), read.context);
  }
}

bool ChaosLoad::Read(Worker& worker, int key, ReadResult* result, Seen* seen) {
  const auto began = steady_clock::now();
  absl::StatusOr<ReadResult> read =
      worker.client.Get(LoadHistory::KeyOf(key), {.quorum = Quorum::Of(options_.replicas)});
  if (!read.ok()) {
    worker.track.Failed(began, false, read.status().ToString());
    return false;
  }
  worker.track.Ok(began);
  *seen = history_.AddRead(key, worker.number, MonotonicTime(began.time_since_epoch()), read->values);
  *result = *std::move(read);
  return true;
}

void ChaosLoad::Write(Worker& worker, LoadHistory::Write write, const std::string& context) {
  const sim::MutationId id = history_.Begin(write);
  const std::string key = LoadHistory::KeyOf(write.key);
  const CallOptions call{.quorum = Quorum::Of(options_.replicas)};
  const auto began = steady_clock::now();
  WriteResult result;
  if (write.is_delete) {
    result = worker.client.Delete(key, context, call);
  } else {
    const size_t padding = worker.random.Below(options_.padding_max + 1);
    result = worker.client.Put(key, LoadHistory::ValueOf(write.key, id, padding), context, call);
  }
  if (result.ok()) {
    worker.track.Ok(began);
  } else {
    worker.track.Failed(began, true, result.status.ToString());
  }
  history_.End(write.key, id, StatusOf(result), result.facts.attempts);
}

}  // namespace henge::chaos
