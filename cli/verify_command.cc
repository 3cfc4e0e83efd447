// verify: whether the cluster holds what a file says, key by key, byte for byte.
#include <CLI/App.hpp>
#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/commands.h"
#include "cli/encoding.h"
#include "cli/json.h"
#include "cli/progress.h"
#include "cli/record_source.h"
#include "cli/verify_run.h"

namespace henge::cli {
namespace {

constexpr uint64_t kComplaintsShownMax = 20;

struct VerifyFlags {
  std::string file;
  std::string format;
  size_t concurrency = 256;
};

void PrintJson(Context& context, const VerifyFigures& figures, double seconds) {
  Json json = {{"equal", figures.equal},
               {"different", figures.different},
               {"missing", figures.missing},
               {"failed", figures.failed},
               {"replicas_answered_min", figures.answered_min},
               {"replicas_behind", figures.behind},
               {"bytes", figures.bytes},
               {"seconds", seconds}};
  context.out() << OneLineJson(json) << '\n';
}

ExitCode Summarise(Context& context, const VerifyFigures& figures, double seconds) {
  if (context.output() == Output::kJson) PrintJson(context, figures, seconds);
  context.Say(absl::StrCat("verified ", figures.total(), " records in ", HumanDuration(seconds), ": ", figures.equal,
                           " equal (", HumanBytes(figures.bytes), "), ", figures.different, " different, ",
                           figures.missing, " missing, ", figures.failed, " not read; at least ", figures.answered_min,
                           " replicas answered each read, ", figures.behind, " answers were behind"));
  if (figures.failed > 0) return figures.equal == 0 ? ExitCode::kUnavailable : ExitCode::kError;
  return figures.equal == figures.total() ? ExitCode::kOk : ExitCode::kError;
}

ExitCode Verify(Context& context, const VerifyFlags& flags) {
  auto source = RecordSource::Open(flags.file, flags.format, context.terminal().in);
  if (!source.ok()) return context.Fail(source.status());
  auto client = context.Connect();
  if (!client.ok()) return context.Fail(client.status());
  std::mutex err_mutex;  // complaints come from the client's threads
  Progress progress(context.terminal(), true, "records");
  uint64_t complaints = 0;
  auto on_complaint = [&](uint64_t line, const std::string& what) {
    std::lock_guard lock(err_mutex);
    progress.Clear();
    if (++complaints <= kComplaintsShownMax) context.Say(absl::StrCat("line ", line, ": ", what));
    if (complaints == kComplaintsShownMax) context.Say("further ones are counted, not shown");
  };
  VerifyRun run(*client, context.CallOptionsFor(*client), flags.concurrency, on_complaint);
  while (auto record = source->Next()) {
    if (record->ok())
      run.Add(source->lines_read(), **std::move(record));
    else
      run.AddBad(source->lines_read(), record->status());
    VerifyFigures figures = run.figures();
    std::lock_guard lock(err_mutex);
    progress.Update(source->share(), figures.total(), figures.bytes);
  }
  run.Wait();
  double seconds = progress.seconds();
  progress.Clear();
  return Summarise(context, run.figures(), seconds);
}

}  // namespace

void DeclareVerifyCommand(CLI::App& app, Action& chosen) {
  auto flags = std::make_shared<VerifyFlags>();
  CLI::App* command = app.add_subcommand("verify", "Read the keys of a file, and compare with what it says they hold");
  command->add_option("FILE", flags->file, "As for import; without it, or for '-', standard input")->type_name("FILE");
  command->add_option("--format", flags->format, "Of the lines; without it, tsv for a file named so, else jsonl")
      ->check(CLI::IsMember({"jsonl", "tsv"}));
  command->add_option("--concurrency", flags->concurrency, "Reads under way at once")
      ->type_name("N")
      ->check(CLI::Range(size_t{1}, size_t{16384}));
  command->callback([&chosen, flags] { chosen = [flags](Context& context) { return Verify(context, *flags); }; });
}

}  // namespace henge::cli
