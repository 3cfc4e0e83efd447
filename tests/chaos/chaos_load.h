// Clients of a cluster under faults: threads that put, get, read-modify-write and delete by the SDK, one call after the
// other, and write down what they were told.
//
// Owned by the test. Several clients share one connection set of the SDK, as the threads of one program do.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "henge/client.h"
#include "tests/chaos/load_history.h"
#include "tests/chaos/second_recorder.h"

namespace henge::chaos {

struct ChaosLoadOptions {
  int clients = 64;
  int clients_per_connection_set = 8;
  uint64_t seed = 1;
  // Shares of 100; the rest are deletes of what a read showed.
  uint32_t gets = 35, blind_puts = 25, updates = 30;
  size_t padding_max = 100;
  uint32_t replicas = 2;  // W and R
  Millis timeout{5000};
  Millis patience = RetryPolicy().patience;  // of the SDK, with a silent node; 0 = none
};

class ChaosLoad {
 public:
  // The recorder and the history outlive it.
  ChaosLoad(ChaosLoadOptions options, std::string endpoints, SecondRecorder& recorder, LoadHistory& history);
  ~ChaosLoad();
  ChaosLoad(const ChaosLoad&) = delete;
  ChaosLoad& operator=(const ChaosLoad&) = delete;

  // Connects, and starts the clients.
  absl::Status Start();
  // Returns when all have ended their last call.
  void Stop();

 private:
  struct Worker;

  void Run(Worker& worker);
  bool Read(Worker& worker, int key, ReadResult* result, Seen* seen);
  void Write(Worker& worker, LoadHistory::Write write, const std::string& context);

  const ChaosLoadOptions options_;
  const std::string endpoints_;
  SecondRecorder& recorder_;
  LoadHistory& history_;
  std::atomic<bool> stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace henge::chaos
