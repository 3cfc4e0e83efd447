// A Henge cluster, through the SDK.
//
// A put replaces what the bench last knew of the key, as an application does that keeps the context of what it wrote: a
// blind put would pile up siblings. If the context is unknown, or others wrote meanwhile, the put reads first; both
// steps count as one put, and the reads are noted.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "client/bench/target.h"
#include "henge/client.h"

namespace henge::bench {

struct HengeTargetOptions {
  std::string bucket = "default";
  Quorum quorum;
  uint64_t keys = 0;  // contexts are kept for the indices below
};

class HengeTarget : public BenchTarget {
 public:
  HengeTarget(Client client, const HengeTargetOptions& options);

  std::string name() const override { return "henge"; }
  void AsyncGet(uint64_t index, std::string_view key, Done done) override;
  void AsyncPut(uint64_t index, std::string_view key, std::string_view value, Done done) override;
  std::vector<std::pair<std::string, uint64_t>> TakeNotes() override;

 private:
  // Contexts by key, behind as many locks as keep threads apart.
  class ContextTable {
   public:
    explicit ContextTable(uint64_t keys) : contexts_(keys) {}
    bool Covers(uint64_t index) const { return index < contexts_.size(); }
    std::string Take(uint64_t index);
    void Keep(uint64_t index, std::string context);

   private:
    std::array<std::mutex, 64> mutexes_;
    std::vector<std::string> contexts_;  // entry i is guarded by mutexes_[i % 64]
  };

  void ReadThenPut(uint64_t index, std::string_view key, std::string_view value, Done done);
  void Put(uint64_t index, std::string_view key, std::string_view value, std::string_view context, Done done);

  Client client_;
  CallOptions call_options_;
  ContextTable contexts_;
  std::atomic<uint64_t> context_reads_{0};
  std::atomic<uint64_t> conflicts_read_{0};
  std::atomic<uint64_t> retries_{0};
  std::atomic<uint64_t> stale_replicas_{0};
  std::atomic<uint64_t> fallback_writes_{0};
};

}  // namespace henge::bench
