// `henge bench`: measures a cluster. The command line's part is declared by DeclareBenchFlags (bench_flags.h).
//
// It writes to the cluster: keys that start with --key-prefix.
#pragma once

#include <ostream>
#include <string>

#include "client/bench/bench_flags.h"
#include "henge/client.h"

namespace henge::bench {

struct BenchCommand {
  std::string endpoints;
  std::string bucket = "default";
  Quorum quorum;
  ClientOptions client;
  BenchFlags flags;
};

// As RunBenchOn (run_bench_on.h); 1 too if the cluster can't be reached.
int RunBenchCommand(const BenchCommand& command, std::ostream& out, std::ostream& err, bool progress);

}  // namespace henge::bench
