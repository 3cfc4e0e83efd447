// henge-etcd-bench: the load of `henge bench` against an etcd cluster. scripts/compare runs both.
#include <unistd.h>

#include <iostream>

#include "absl/synchronization/mutex.h"
#include "client/bench/etcd_target.h"
#include "client/bench/run_bench_on.h"

int main(int argc, char** argv) {
  // Abseil as it is packaged looks for deadlocks at each of gRPC's locks.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  CLI::App app("Measures an etcd cluster with the load of `henge bench`. It writes keys that start with --key-prefix.",
               "henge-etcd-bench");
  henge::bench::EtcdTargetOptions target_options;
  target_options.endpoints = {"127.0.0.1:2379"};
  henge::bench::BenchFlags flags;
  app.add_option("--endpoints", target_options.endpoints, "client addresses of the members, host:port")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--channels", target_options.channels_per_endpoint, "connections to each member")
      ->capture_default_str();
  app.add_option("--threads", target_options.threads, "completion queue threads")->capture_default_str();
  app.add_flag("--serializable", target_options.serializable, "let reads be stale: each member answers by itself");
  henge::bench::DeclareBenchFlags(app, flags);
  CLI11_PARSE(app, argc, argv);

  auto target = henge::bench::EtcdTarget::Connect(target_options);
  if (!target.ok()) {
    std::cerr << "henge-etcd-bench: " << target.status().message() << "\n";
    return 1;
  }
  return henge::bench::RunBenchOn(**target, flags, std::cout, std::cerr, isatty(STDERR_FILENO) != 0);
}
