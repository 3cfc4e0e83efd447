// cluster: what an operator decides about the cluster as a whole.
#include <CLI/App.hpp>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "henge/admin.h"

namespace henge::cli {
namespace {

struct ClusterFlags {
  std::string action;
  std::vector<std::string> without;
};

ExitCode Bootstrap(Context& context, const ClusterFlags& flags) {
  if (flags.without.empty()) return context.UsageError("'cluster bootstrap' needs --without, and who never starts");
  auto version = BootstrapWithout(context.flags().endpoints, flags.without, context.flags().timeout);
  if (!version.ok()) return context.Fail(version.status());
  if (context.output() == Output::kJson) {
    context.out() << PrettyJson({{"without", flags.without}, {"state_version", *version}}) << '\n';
    return ExitCode::kOk;
  }
  context.out() << "the members are bound to their stores without " << absl::StrJoin(flags.without, ", ")
                << ", cluster state version " << *version << '\n';
  return ExitCode::kOk;
}

}  // namespace

void DeclareClusterCommand(CLI::App& app, Action& chosen) {
  auto flags = std::make_shared<ClusterFlags>();
  CLI::App* command = app.add_subcommand("cluster", "Decide about the cluster as a whole");
  command->add_option("ACTION", flags->action, "What to do")->required()->check(CLI::IsMember({"bootstrap"}));
  command
      ->add_option("--without", flags->without,
                   "bootstrap: a first member that never starts, so that the others needn't wait for it; never one "
                   "that has started before")
      ->type_name("NAME");
  command->callback([&chosen, flags] { chosen = [flags](Context& context) { return Bootstrap(context, *flags); }; });
}

}  // namespace henge::cli
