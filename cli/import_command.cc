// import: records from a file or standard input into the cluster.
#include <CLI/App.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
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
#include "cli/resume_file.h"

namespace henge::cli {
namespace {

constexpr uint64_t kErrorsShownMax = 100;
constexpr uint64_t kLinesBetweenSaves = 1000;
// Room for the largest record with many siblings, in base64.
constexpr uint64_t kLineBytesMax = uint64_t{64} << 20;

struct ImportFlags {
  std::string file;
  std::string format;
  bool blind = false;
  size_t concurrency = 256;
  uint64_t skip = 0;
  std::string resume_file;
};

// Where lines come from, and how far they have been read.
struct Source {
  std::unique_ptr<std::ifstream> file;  // null = standard input
  double bytes_total = -1;
  uint64_t bytes_read = 0;
  uint64_t lines_read = 0;

  double share() const { return bytes_total > 0 ? static_cast<double>(bytes_read) / bytes_total : -1; }
};

absl::StatusOr<Source> OpenSource(const std::string& path) {
  Source source;
  if (path.empty() || path == "-") return source;
  source.file = std::make_unique<std::ifstream>(path, std::ios::binary | std::ios::ate);
  // A directory opens, but has no end.
  if (!*source.file || source.file->tellg() < 0 || source.file->tellg() == std::ifstream::pos_type(INT64_MAX)) {
    return absl::InvalidArgumentError(
        absl::StrCat("can't read ", path, ": ", std::strerror(errno == 0 ? EISDIR : errno)));
  }
  source.bytes_total = static_cast<double>(source.file->tellg());
  source.file->seekg(0);
  return source;
}

// Reads a line without its end. What is longer than any record is read to its end, but not kept.
bool NextLine(Source& source, std::istream& in, std::string& line, bool& too_long) {
  line.clear();
  too_long = false;
  std::streambuf& buffer = *in.rdbuf();
  uint64_t bytes = 0;
  int c = buffer.sbumpc();
  for (; c != EOF && c != '\n'; c = buffer.sbumpc(), ++bytes) {
    too_long = bytes >= kLineBytesMax;
    if (!too_long) line.push_back(static_cast<char>(c));
  }
  if (c == EOF && bytes == 0) return false;
  ++source.lines_read;
  source.bytes_read += bytes + 1;
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return true;
}

bool IsTsv(const ImportFlags& flags) {
  if (!flags.format.empty()) return flags.format == "tsv";
  return flags.file.size() > 4 && flags.file.compare(flags.file.size() - 4, 4, ".tsv") == 0;
}

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
absl::Status Pump(Source& source, std::istream& in, bool tsv, uint64_t skip, const ResumeFile& resume, ImportRun& run,
                  std::mutex& err_mutex, Progress& progress) {
  std::string line;
  bool too_long = false;
  uint64_t saved_at = skip;
  while (NextLine(source, in, line, too_long)) {
    if (source.lines_read <= skip || line.empty()) continue;
    auto record = too_long ? absl::InvalidArgumentError("it is longer than any record can be")
                           : (tsv ? ParseTsvLine(line) : ParseJsonLine(line));
    if (record.ok())
      run.Add(source.lines_read, *std::move(record));
    else
      run.AddBad(source.lines_read, record.status());
    if (source.lines_read >= saved_at + kLinesBetweenSaves) {
      saved_at = source.lines_read;
      absl::Status saved = resume.Write(absl::StrCat(run.first_open_line(source.lines_read) - 1));
      if (!saved.ok()) return saved;
    }
    ImportFigures figures = run.figures();
    std::lock_guard lock(err_mutex);
    progress.Update(source.share(), figures.written, figures.bytes);
  }
  run.Wait();
  uint64_t open = run.first_open_line(source.lines_read);
  if (open > source.lines_read) return resume.Remove();
  return resume.Write(absl::StrCat(open - 1));
}

ExitCode Import(Context& context, const ImportFlags& flags) {
  auto source = OpenSource(flags.file);
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
  std::istream& in = source->file != nullptr ? *source->file : context.terminal().in;
  absl::Status pumped = Pump(*source, in, IsTsv(flags), *skip, resume, run, err_mutex, progress);
  run.Wait();
  double seconds = progress.seconds();
  progress.Clear();
  ExitCode code = Summarise(context, run.figures(), std::min(*skip, source->lines_read), seconds);
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
