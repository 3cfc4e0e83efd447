#include "client/bench/bench_command.h"

#include <utility>

#include "client/bench/henge_target.h"
#include "client/bench/run_bench_on.h"

namespace henge::bench {

int RunBenchCommand(Client client, const BenchCommand& command, std::ostream& out, std::ostream& err, bool progress) {
  if (absl::Status status = ValidateBenchOptions(command.flags.options); !status.ok()) {
    err << "bench: " << status.message() << "\n";
    return 2;
  }
  HengeTarget target(std::move(client), {command.bucket, command.quorum, command.flags.options.workload.keys});
  return RunBenchOn(target, command.flags, out, err, progress);
}

}  // namespace henge::bench
