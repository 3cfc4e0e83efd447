// An etcd cluster over its own gRPC API: what Henge is compared with.
//
// Unary calls are all that etcd offers for keys. They are spread evenly over the members and over several connections
// to each, asynchronous, and ended by few completion queue threads, so that the load generator is not what limits etcd.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/bench/target.h"

namespace henge::bench {

struct EtcdTargetOptions {
  std::vector<std::string> endpoints;  // host:port of each member's client port
  // Measured best on two cores with all three members on them: more connections and threads only cost the load
  // generator CPU time that the members then lack.
  int channels_per_endpoint = 2;
  int threads = 1;
  bool serializable = false;  // reads from one member's own state, possibly stale
  int64_t timeout_ms = 5000;
};

class EtcdTarget : public BenchTarget {
 public:
  // Waits until every channel is connected.
  static absl::StatusOr<std::unique_ptr<EtcdTarget>> Connect(const EtcdTargetOptions& options);
  ~EtcdTarget() override;

  std::string name() const override;
  void AsyncGet(uint64_t index, std::string_view key, Done done) override;
  void AsyncPut(uint64_t index, std::string_view key, std::string_view value, Done done) override;

 private:
  class Impl;
  explicit EtcdTarget(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace henge::bench
