#include "client/bench/bench_command.h"

#include <utility>

#include "client/bench/henge_target.h"
#include "client/bench/run_bench_on.h"

namespace henge::bench {

int RunBenchCommand(const BenchCommand& command, std::ostream& out, std::ostream& err, bool progress) {
  if (absl::Status status = ValidateBenchOptions(command.flags.options); !status.ok()) {
    err << "bench: " << status.message() << "\n";
    return 2;
  }
  absl::StatusOr<Client> client = Client::Connect(command.endpoints, command.client);
  if (!client.ok()) {
    err << "bench: can't connect to " << command.endpoints << ": " << client.status().message() << "\n";
    return 1;
  }
  HengeTarget target(*std::move(client), {command.bucket, command.quorum, command.flags.options.workload.keys});
  return RunBenchOn(target, command.flags, out, err, progress);
}

}  // namespace henge::bench
