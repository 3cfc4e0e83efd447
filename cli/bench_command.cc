// bench: the load generator of client/bench on this cluster.
#include "client/bench/bench_command.h"

#include <CLI/App.hpp>
#include <memory>

#include "cli/commands.h"

namespace henge::cli {

void DeclareBenchCommand(CLI::App& app, Action& chosen) {
  auto flags = std::make_shared<bench::BenchFlags>();
  CLI::App* command = app.add_subcommand("bench", "Measure the cluster under load that it generates");
  bench::DeclareBenchFlags(*command, *flags);
  command->callback([&chosen, flags] {
    chosen = [flags](Context& context) {
      auto client = context.Connect();
      if (!client.ok()) return context.Fail(client.status());
      bench::BenchCommand bench;
      bench.bucket = context.flags().bucket;
      bench.quorum = context.CallOptionsFor(*client).quorum;
      bench.flags = *flags;
      bench.flags.json = flags->json || context.output() == Output::kJson;
      return static_cast<ExitCode>(bench::RunBenchCommand(*std::move(client), bench, context.out(), context.err(),
                                                          context.terminal().err_is_terminal));
    };
  });
}

}  // namespace henge::cli
