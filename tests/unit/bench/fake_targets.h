// Targets without a store: one on threads, one on virtual time, one that answers before the call returns.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "client/bench/bench_time.h"
#include "client/bench/target.h"

namespace henge::bench {

// Time stands still but for SleepUntil, which runs what is due on the way. For one thread.
class VirtualTime : public BenchTime {
 public:
  int64_t NowNs() override { return now_ns_; }
  void SleepUntil(int64_t deadline_ns) override {
    while (!events_.empty() && events_.begin()->first <= deadline_ns) {
      auto event = events_.extract(events_.begin());
      now_ns_ = std::max(now_ns_, event.key());
      event.mapped()();
    }
    now_ns_ = std::max(now_ns_, deadline_ns);
  }
  void RunAt(int64_t at_ns, std::function<void()> event) { events_.emplace(at_ns, std::move(event)); }

 private:
  int64_t now_ns_ = 0;
  std::multimap<int64_t, std::function<void()>> events_;
};

// Counts what every fake is asked, and how many operations are under way.
class CountingTarget : public BenchTarget {
 public:
  std::string name() const override { return "fake"; }
  void AsyncGet(uint64_t index, std::string_view key, Done done) override {
    Note(gets, index, key, {}, std::move(done));
  }
  void AsyncPut(uint64_t index, std::string_view key, std::string_view value, Done done) override {
    Note(puts, index, key, value, std::move(done));
  }

  std::atomic<uint64_t> gets{0};
  std::atomic<uint64_t> puts{0};
  std::atomic<int> in_flight{0};
  std::atomic<int> in_flight_max{0};

 protected:
  virtual void Serve(uint64_t index, std::string_view key, std::string_view value, Done done) = 0;

 private:
  void Note(std::atomic<uint64_t>& counter, uint64_t index, std::string_view key, std::string_view value, Done done) {
    ++counter;
    const int now = ++in_flight;
    int seen = in_flight_max;
    while (seen < now && !in_flight_max.compare_exchange_weak(seen, now)) {
    }
    Serve(index, key, value, [this, done = std::move(done)](OpOutcome outcome) {
      --in_flight;
      done(std::move(outcome));
    });
  }
};

// Ends every operation within the call that starts it.
class InlineTarget : public CountingTarget {
 public:
  OpOutcome outcome;
  std::vector<std::string> keys;
  std::vector<size_t> value_bytes;

 protected:
  void Serve(uint64_t, std::string_view key, std::string_view value, Done done) override {
    keys.emplace_back(key);
    value_bytes.push_back(value.size());
    done(outcome);
  }
};

// Serves one operation after the other, each for service_ns of virtual time, none before opens_ns.
class VirtualServer : public CountingTarget {
 public:
  VirtualServer(VirtualTime& time, int64_t service_ns) : time_(time), service_ns_(service_ns) {}
  int64_t opens_ns = 0;

 protected:
  void Serve(uint64_t, std::string_view, std::string_view, Done done) override {
    free_ns_ = std::max({free_ns_, time_.NowNs(), opens_ns}) + service_ns_;
    time_.RunAt(free_ns_, [done = std::move(done)] { done({}); });
  }

 private:
  VirtualTime& time_;
  int64_t service_ns_;
  int64_t free_ns_ = 0;
};

// Ends operations on threads of its own, in the order in which they came.
class ThreadedTarget : public CountingTarget {
 public:
  explicit ThreadedTarget(int threads) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Run(); });
  }
  ~ThreadedTarget() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

 protected:
  void Serve(uint64_t, std::string_view, std::string_view, Done done) override {
    {
      const std::lock_guard lock(mutex_);
      queue_.push_back(std::move(done));
    }
    wake_.notify_one();
  }

 private:
  void Run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      const Done done = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      done({});
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Done> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace henge::bench
