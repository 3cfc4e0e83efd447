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
  std::string bucket = "default";
  Quorum quorum;
  BenchFlags flags;
};

// As RunBenchOn (run_bench_on.h). `client` should be the process's only one: gRPC hands events from the thread of one
// to the thread of another, idle or not, and that is measured too.
int RunBenchCommand(Client client, const BenchCommand& command, std::ostream& out, std::ostream& err, bool progress);

}  // namespace henge::bench
