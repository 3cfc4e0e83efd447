// cluster: what an operator decides about the cluster as a whole.
#include <CLI/App.hpp>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/table.h"
#include "core/model/limits.h"
#include "henge/admin.h"

namespace henge::cli {
namespace {

struct ClusterFlags {
  std::string action;
  std::vector<std::string> without;
  std::vector<std::string> survivors;
  bool force = false;
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

Json JsonOf(const RecoverView& view) {
  Json members = Json::array();
  for (const RecoverView::OfMember& member : view.members) {
    members.push_back({{"name", member.name},
                       {"stays", member.stays},
                       {"disk_replaced", member.disk_replaced},
                       {"partitions_before", member.owned_before},
                       {"partitions_after", member.owned_after},
                       {"recovering", member.recovering}});
  }
  return {{"done", view.done},
          {"begun", view.begun},
          {"cluster", view.cluster == 0 ? "" : absl::StrCat(absl::Hex(view.cluster, absl::kZeroPad16))},
          {"state_version", view.state_version},
          {"members", std::move(members)},
          {"partitions_lost", view.partitions_lost},
          {"partitions_at_risk", view.partitions_at_risk},
          {"unconfirmed", view.unconfirmed}};
}

void ShowRecovery(Context& context, const RecoverView& view) {
  using Align = Table::Align;
  Table table(
      {{"MEMBER"}, {"FATE"}, {"OWNED", Align::kRight}, {"AFTER", Align::kRight}, {"RECOVERING", Align::kRight}});
  for (const RecoverView::OfMember& member : view.members) {
    const char* fate = !member.stays ? "given up" : member.disk_replaced ? "stays, disk replaced" : "stays";
    table.AddRow({member.name, fate, absl::StrCat(member.owned_before), absl::StrCat(member.owned_after),
                  absl::StrCat(member.recovering)});
  }
  table.Print(context.out());
  context.out() << "\nof " << kPartitionCount << " partitions, " << view.partitions_lost
                << " have lost all owners: what is there is what others keep as hints\n"
                << view.partitions_at_risk
                << " more have lost as many owners as acknowledge a write: writes that only those had are lost\n"
                << "anywhere, a write may be lost that was acknowledged by given-up members while others were away\n";
}

ExitCode Recover(Context& context, const ClusterFlags& flags) {
  auto view = RecoverCluster(context.flags().endpoints, flags.survivors, flags.force, context.flags().timeout);
  if (!view.ok()) return context.Fail(view.status());
  if (context.output() == Output::kJson) {
    context.out() << PrettyJson(JsonOf(*view)) << '\n';
    return ExitCode::kOk;
  }
  ShowRecovery(context, *view);
  if (!view->done) {
    context.out() << "\nnothing was changed"
                  << (view->begun ? "; an earlier command has begun this, and must be brought to its end" : "")
                  << ". If the members that are given up are gone for ever: the same command with --force\n";
    return ExitCode::kOk;
  }
  context.out() << "\nthe survivors are cluster " << absl::StrCat(absl::Hex(view->cluster, absl::kZeroPad16))
                << " now, cluster state version " << view->state_version
                << "; each starts again by itself. Contexts of reads before this are refused: read again\n";
  if (!view->unconfirmed.empty()) {
    context.Say(absl::StrCat("not confirmed by ", absl::StrJoin(view->unconfirmed, ", "),
                             ": takes over once it meets the others; see that it runs"));
  }
  return ExitCode::kOk;
}

// A usage error, or empty.
std::string Misuse(const ClusterFlags& flags) {
  const bool recover = flags.action == "recover";
  if (recover && !flags.without.empty())
    return "--without belongs to 'cluster bootstrap'; say who is left by --survivor";
  if (!recover && (flags.force || !flags.survivors.empty()))
    return "--survivor and --force belong to 'cluster recover'";
  return "";
}

}  // namespace

void DeclareClusterCommand(CLI::App& app, Action& chosen) {
  auto flags = std::make_shared<ClusterFlags>();
  CLI::App* command = app.add_subcommand("cluster", "Decide about the cluster as a whole");
  command->add_option("ACTION", flags->action, "What to do")
      ->required()
      ->check(CLI::IsMember({"bootstrap", "recover"}));
  command
      ->add_option("--without", flags->without,
                   "bootstrap: a first member that never starts, so that the others needn't wait for it; never one "
                   "that has started before")
      ->type_name("NAME");
  command
      ->add_option("--survivor", flags->survivors,
                   "recover: a member that is left of a cluster whose majority is gone for ever; without, all that "
                   "answer")
      ->type_name("NAME");
  command->add_flag("--force", flags->force,
                    "recover: do it: the survivors become a new cluster, the others can never come back. Without, only "
                    "say what it would do");
  command->callback([&chosen, flags] {
    chosen = [flags](Context& context) {
      if (std::string misuse = Misuse(*flags); !misuse.empty()) return context.UsageError(misuse);
      return flags->action == "recover" ? Recover(context, *flags) : Bootstrap(context, *flags);
    };
  });
}

}  // namespace henge::cli
