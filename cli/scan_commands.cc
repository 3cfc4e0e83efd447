// scan and export: the records of a bucket, for people and for other programs.
#include <CLI/App.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/commands.h"
#include "cli/encoding.h"
#include "cli/export_line.h"
#include "cli/json.h"
#include "cli/record_walk.h"
#include "cli/table.h"

namespace henge::cli {
namespace {

constexpr size_t kKeyColumnBytesMax = 60;
constexpr size_t kValueShownBytesMax = 50;

struct ExportFlags {
  WalkFlags walk;
  std::string file;
  bool with_context = false;
};

absl::Status FlushStream(std::ostream& out, const std::string& name) {
  out.flush();
  if (out) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("can't write to ", name, "; is there room, and does somebody read it?"));
}

void AddWalkOptions(CLI::App& command, WalkFlags& flags) {
  command.add_option("--prefix", flags.prefix, "Only keys that start so");
  command.add_option("--limit", flags.limit, "At most so many records")->type_name("N");
  command.add_option("--cursor", flags.cursor, "Go on where an earlier run stopped")->type_name("CURSOR");
  command.add_option("--resume-file", flags.resume_file, "Keep the position in this file, and go on from it")
      ->type_name("FILE");
  command.add_option("--page-bytes", flags.page_bytes, "Read about so much at once")
      ->type_name("BYTES")
      ->check(CLI::Range(uint32_t{1024}, uint32_t{4} << 20));
}

void SayWhereToGoOn(Context& context, const WalkResult& result) {
  if (!result.done) context.Say(absl::StrCat("there is more; go on with --cursor ", result.next));
}

ExitCode Scan(Context& context, const WalkFlags& flags) {
  auto client = context.Connect();
  if (!client.ok()) return context.Fail(client.status());
  Output output = context.output(Output::kTable, Output::kRaw);
  Table table({{"KEY"}, {"VERSIONS", Table::Align::kRight}, {"BYTES", Table::Align::kRight}, {"VALUE"}});
  auto handle = [&](const ScanItem& item) {
    if (output == Output::kRaw) {
      context.out() << item.key << '\n';
      return;
    }
    if (output == Output::kJson) {
      context.out() << ExportLine(item, true) << '\n';
      return;
    }
    uint64_t bytes = 0;
    for (const std::string& value : item.values) bytes += value.size();
    table.AddRow({OneLine(item.key, kKeyColumnBytesMax), absl::StrCat(item.values.size()), absl::StrCat(bytes),
                  item.values.empty() ? "" : OneLine(item.values[0], kValueShownBytesMax)});
  };
  // A table needs all its rows to be aligned.
  auto flush = [&] { return FlushStream(context.out(), "standard output"); };
  absl::StatusOr<WalkResult> result;
  {
    Progress progress(context.terminal(), !context.terminal().out_is_terminal, "keys");
    result = WalkRecords(context, *client, flags, progress, handle, flush);
  }
  if (output == Output::kTable) table.Print(context.out());
  if (!result.ok()) return context.Fail(result.status());
  SayWhereToGoOn(context, *result);
  return ExitCode::kOk;
}

// Going on means adding to what is there.
absl::StatusOr<std::unique_ptr<std::ofstream>> OpenFile(const ExportFlags& flags) {
  auto resumed = ResumeFile(flags.walk.resume_file).Read();
  if (!resumed.ok()) return resumed.status();
  bool goes_on = !flags.walk.cursor.empty() || !resumed->empty();
  auto file =
      std::make_unique<std::ofstream>(flags.file, std::ios::binary | (goes_on ? std::ios::app : std::ios::trunc));
  if (*file) return file;
  return absl::InvalidArgumentError(absl::StrCat("can't write to ", flags.file, ": ", std::strerror(errno)));
}

ExitCode Export(Context& context, const ExportFlags& flags) {
  if (context.flags().output == Output::kRaw) {
    return context.UsageError("export writes JSON lines; for bare keys use scan -o raw");
  }
  std::unique_ptr<std::ofstream> file;
  if (!flags.file.empty() && flags.file != "-") {
    auto opened = OpenFile(flags);
    if (!opened.ok()) return context.Fail(opened.status());
    file = *std::move(opened);
  }
  std::ostream& out = file != nullptr ? *file : context.out();
  auto client = context.Connect();
  if (!client.ok()) return context.Fail(client.status());
  auto handle = [&](const ScanItem& item) { out << ExportLine(item, flags.with_context) << '\n'; };
  auto flush = [&] { return FlushStream(out, file != nullptr ? flags.file : "standard output"); };
  bool quiet_out = file != nullptr || !context.terminal().out_is_terminal;
  Progress progress(context.terminal(), quiet_out, "keys");
  auto result = WalkRecords(context, *client, flags.walk, progress, handle, flush);
  double seconds = progress.seconds();
  progress.Clear();
  if (!result.ok()) return context.Fail(result.status());
  context.Say(absl::StrCat("exported ", result->records, " keys, ", HumanBytes(result->bytes), ", in ",
                           HumanDuration(seconds)));
  SayWhereToGoOn(context, *result);
  return ExitCode::kOk;
}

}  // namespace

void DeclareScanCommand(CLI::App& app, Action& chosen) {
  auto flags = std::make_shared<WalkFlags>();
  CLI::App* scan = app.add_subcommand("scan", "List keys in ring order; one a line unless to a terminal");
  AddWalkOptions(*scan, *flags);
  scan->callback([&chosen, flags] { chosen = [flags](Context& context) { return Scan(context, *flags); }; });
}

void DeclareExportCommand(CLI::App& app, Action& chosen) {
  auto flags = std::make_shared<ExportFlags>();
  CLI::App* command = app.add_subcommand("export", "Write all records as JSON lines, which import reads");
  command->add_option("FILE", flags->file, "Where to; without it, or for '-', standard output")->type_name("FILE");
  AddWalkOptions(*command, flags->walk);
  command->add_flag("--with-context", flags->with_context, "Add the causal contexts");
  command->callback([&chosen, flags] { chosen = [flags](Context& context) { return Export(context, *flags); }; });
}

}  // namespace henge::cli
