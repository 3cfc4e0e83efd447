// import: records from a file or standard input into the cluster.
#include <CLI/App.hpp>
#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/commands.h"
#include "cli/encoding.h"
#include "cli/import_run.h"
#include "cli/json.h"
#include "cli/progress.h"
#include "cli/record_source.h"
#include "cli/resume_file.h"

namespace henge::cli {
namespace {

constexpr uint64_t kErrorsShownMax = 100;
constexpr uint64_t kLinesBetweenSaves = 1000;

struct ImportFlags {
  std::string file;
  std::string format;
  bool blind = false;
  size_t concurrency = 256;
  uint64_t skip = 0;
  std::string resume_file;
};

absl::StatusOr<uint64_t> LinesToSkip(const ImportFlags& flags, const ResumeFile& resume) {
  auto saved = resume.Read();
  if (!saved.ok()) return saved.status();
  if (saved->empty()) return flags.skip;
  uint64_t lines = 0;
  if (absl::SimpleAtoi(*saved, &lines)) return std::max(lines, flags.skip);
  return absl::InvalidArgumentError(absl::StrCat("the resume file ", flags.resume_file,
                                                 " doesn't hold a number of lines: remove it, or name another"));
}

ExitCode Summarise(Context& context, const ImportFigures& figures, uint64_t skipped, double seconds) {
  double rate = seconds > 0 ? static_cast<double>(figures.written) / seconds : 0;
  if (context.output() == Output::kJson) {
    Json json = {{"written", figures.written},
                 {"failed", figures.failed},
                 {"skipped_lines", skipped},
                 {"bytes", figures.bytes},
                 {"seconds", seconds}};
    context.out() << OneLineJson(json) << '\n';
  }
  context.Say(absl::StrCat("imported ", figures.written, " records, ", HumanBytes(figures.bytes), ", in ",
                           HumanDuration(seconds), absl::StrFormat(" (%.0f/s)", rate), "; ", figures.failed,
                           " failed"));
  return figures.failed == 0 ? ExitCode::kOk : ExitCode::kError;
}

// Reads all lines, and waits for their writes.
absl::Status Pump(RecordSource& source, uint64_t skip, const ResumeFile& resume, ImportRun& run, std::mutex& err_mutex,
                  Progress& progress) {
  uint64_t saved_at = skip;
  while (auto record = source.Next()) {
    if (source.lines_read() <= skip) continue;
    if (record->ok())
      run.Add(source.lines_read(), **std::move(record));
    else
      run.AddBad(source.lines_read(), record->status());
    if (source.lines_read() >= saved_at + kLinesBetweenSaves) {
      saved_at = source.lines_read();
      absl::Status saved = resume.Write(absl::StrCat(run.first_open_line(source.lines_read()) - 1));
      if (!saved.ok()) return saved;
    }
    ImportFigures figures = run.figures();
    std::lock_guard lock(err_mutex);
    progress.Update(source.share(), figures.written, figures.bytes);
  }
  run.Wait();
  uint64_t open = run.first_open_line(source.lines_read());
  if (open > source.lines_read()) return resume.Remove();
  return resume.Write(absl::StrCat(open - 1));
}

ExitCode Import(Context& context, const ImportFlags& flags) {
  auto source = RecordSource::Open(flags.file, flags.format, context.terminal().in);
  if (!source.ok()) return context.Fail(source.status());
  ResumeFile resume(flags.resume_file);
  auto skip = LinesToSkip(flags, resume);
  if (!skip.ok()) return context.Fail(skip.status());
  auto client = context.Connect();
  if (!client.ok()) return context.Fail(client.status());
  std::mutex err_mutex;  // errors come from the client's threads
  Progress progress(context.terminal(), true, "records");
  uint64_t errors = 0;
  auto on_error = [&](uint64_t line, const absl::Status& why) {
    std::lock_guard lock(err_mutex);
    progress.Clear();
    if (++errors <= kErrorsShownMax) context.Say(absl::StrCat("line ", line, ": ", why.message()));
    if (errors == kErrorsShownMax) context.Say("further errors are counted, not shown");
  };
  ImportRun run(*client, context.CallOptionsFor(*client), flags.blind, flags.concurrency, on_error);
  absl::Status pumped = Pump(*source, *skip, resume, run, err_mutex, progress);
  run.Wait();
  double seconds = progress.seconds();
  progress.Clear();
  ExitCode code = Summarise(context, run.figures(), std::min(*skip, source->lines_read()), seconds);
  return pumped.ok() ? code : context.Fail(pumped);
}

}  // namespace

void DeclareImportCommand(CLI::App& app, Action& chosen) {
  auto flags = std::make_shared<ImportFlags>();
  CLI::App* command = app.add_subcommand("import", "Write the records of a file, in place of what their keys hold");
  command->add_option("FILE", flags->file, "JSON lines, or tab-separated; without it, or for '-', standard input")
      ->type_name("FILE");
  command->add_option("--format", flags->format, "Of the lines; without it, tsv for a file named so, else jsonl")
      ->check(CLI::IsMember({"jsonl", "tsv"}));
  command->add_flag("--blind", flags->blind, "Don't read first: faster into an empty bucket, siblings elsewhere");
  command->add_option("--concurrency", flags->concurrency, "Records under way at once")
      ->type_name("N")
      ->check(CLI::Range(size_t{1}, size_t{16384}));
  command->add_option("--skip", flags->skip, "Pass over so many lines")->type_name("LINES");
  command->add_option("--resume-file", flags->resume_file, "Keep the position in this file, and go on from it")
      ->type_name("FILE");
  command->callback([&chosen, flags] { chosen = [flags](Context& context) { return Import(context, *flags); }; });
}

}  // namespace henge::cli
