// put, get, delete: one key at a time.
#include <CLI/App.hpp>
#include <iterator>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/commands.h"
#include "cli/encoding.h"
#include "cli/json.h"

namespace henge::cli {
namespace {

constexpr size_t kShownBytesMax = 120;

struct PutFlags {
  std::string key;
  std::string value;
  bool has_value = false;
  bool blind = false;
  std::string context;  // base64
  std::string ttl;
};

struct DeleteFlags {
  std::string key;
  std::string context;  // base64
};

absl::StatusOr<std::string> DecodeContext(const std::string& text) {
  auto context = FromBase64(text);
  if (context.ok()) return context;
  return absl::InvalidArgumentError("--context is not base64: pass on the \"context\" that 'henge get -o json' prints");
}

std::string Copies(const Facts& facts) {
  std::string text = absl::StrCat(facts.durable, facts.durable == 1 ? " durable copy" : " durable copies");
  if (facts.fallbacks > 0) absl::StrAppend(&text, ", ", facts.fallbacks, " of them by a stand-in");
  return text;
}

const char* Name(Outcome outcome) {
  switch (outcome) {
    case Outcome::kApplied:
      return "applied";
    case Outcome::kNotApplied:
      return "not_applied";
    case Outcome::kUnknown:
      return "unknown";
  }
  return "unknown";
}

ExitCode ReportWrite(Context& context, const std::string& key, const WriteResult& result) {
  if (context.output() == Output::kJson) {
    Json json;
    SetBytes(json, "key", key);
    json["bucket"] = context.flags().bucket;
    json["ok"] = result.ok();
    json["outcome"] = Name(result.outcome);
    if (!result.ok()) {
      json["code"] = absl::StatusCodeToString(result.status.code());
      json["message"] = std::string(result.status.message());
    }
    json["siblings"] = result.siblings;
    json["context"] = Base64(result.context);
    json["facts"] = WriteFactsJson(result.facts);
    context.out() << PrettyJson(json) << '\n';
  }
  if (!result.ok()) {
    ExitCode code = context.Fail(result.status);
    if (result.outcome == Outcome::kUnknown) {
      context.Say("the write may still take effect: read the key before you write it again");
    }
    return code;
  }
  if (context.output() == Output::kTable) context.out() << "ok: " << Copies(result.facts) << '\n';
  if (result.siblings > 1) {
    context.Say(absl::StrCat("the key now has ", result.siblings,
                             " concurrent versions; a put without --blind and --context replaces them all"));
  }
  return ExitCode::kOk;
}

ExitCode Put(Context& context, const PutFlags& flags) {
  if (flags.blind && !flags.context.empty()) return context.UsageError("--blind and --context exclude each other");
  auto causal = DecodeContext(flags.context);
  if (!causal.ok()) return context.UsageError(std::string(causal.status().message()));
  std::chrono::milliseconds ttl{0};
  if (!flags.ttl.empty()) {
    auto parsed = ParseDuration(flags.ttl);
    if (!parsed.ok()) return context.UsageError(absl::StrCat("--ttl: ", parsed.status().message()));
    ttl = *parsed;
  }
  std::string value = flags.value;
  if (!flags.has_value || value == "-") {
    if (context.terminal().in_is_terminal) context.Say("reading the value from the terminal; end it with Ctrl-D");
    std::istream& in = context.terminal().in;
    value.assign(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  auto client = context.Connect();
  if (!client.ok()) return context.Fail(client.status());
  CallOptions options = context.CallOptionsFor(*client);
  if (ttl.count() > 0) options.expires_at = std::chrono::system_clock::now() + ttl;
  if (flags.blind || !flags.context.empty()) {
    return ReportWrite(context, flags.key, client->Put(flags.key, value, *causal, options));
  }
  auto replace = [&](const ReadResult&) { return Change::Write(value); };
  return ReportWrite(context, flags.key, client->Update(flags.key, replace, nullptr, options));
}

ExitCode Delete(Context& context, const DeleteFlags& flags) {
  auto causal = DecodeContext(flags.context);
  if (!causal.ok()) return context.UsageError(std::string(causal.status().message()));
  auto client = context.Connect();
  if (!client.ok()) return context.Fail(client.status());
  return ReportWrite(context, flags.key, client->Delete(flags.key, *causal, context.CallOptionsFor(*client)));
}

void PrintReadJson(Context& context, const std::string& key, const ReadResult& read) {
  Json json;
  SetBytes(json, "key", key);
  json["bucket"] = context.flags().bucket;
  json["found"] = read.found();
  json["conflict"] = read.has_conflict();
  json["values"] = Json::array();
  for (const std::string& value : read.values) {
    Json entry;
    SetBytes(entry, "value", value);
    json["values"].push_back(std::move(entry));
  }
  json["context"] = Base64(read.context);
  json["facts"] = ReadFactsJson(read.facts);
  context.out() << PrettyJson(json) << '\n';
}

// Text as it is, with its own line breaks; anything else escaped.
std::string ForPeople(const std::string& value) {
  bool text = IsUtf8(value) && value.find_first_of(std::string("\0\033\x7f\b", 4)) == std::string::npos;
  return text ? value : OneLine(value, value.size() * 4);
}

void PrintReadForPeople(Context& context, const ReadResult& read) {
  if (!read.has_conflict()) {
    context.out() << ForPeople(read.values[0]) << '\n';
    return;
  }
  for (size_t i = 0; i < read.values.size(); ++i) {
    context.out() << "version " << i + 1 << " of " << read.values.size() << ":\n" << ForPeople(read.values[i]) << '\n';
  }
  context.Say("concurrent versions: a put of what they should become replaces them all");
}

ExitCode RefuseRawConflict(Context& context, const std::string& key, const ReadResult& read) {
  context.Say(absl::StrCat(
      "'", OneLine(key, kShownBytesMax), "' has ", read.values.size(),
      " concurrent versions, and raw output is for one; see all with -o json, or put what they should become:"));
  for (const std::string& value : read.values) {
    context.err() << "  " << HumanBytes(value.size()) << ": " << OneLine(value, kShownBytesMax) << '\n';
  }
  return ExitCode::kConflict;
}

ExitCode Get(Context& context, const std::string& key) {
  auto client = context.Connect();
  if (!client.ok()) return context.Fail(client.status());
  auto read = client->Get(key, context.CallOptionsFor(*client));
  if (!read.ok()) return context.Fail(read.status());
  Output output = context.output(Output::kTable, Output::kRaw);
  if (output == Output::kJson) PrintReadJson(context, key, *read);
  if (!read->found()) {
    context.Say(absl::StrCat("'", OneLine(key, kShownBytesMax), "' is not in bucket '", context.flags().bucket, "'"));
    return ExitCode::kNotFound;
  }
  if (output == Output::kTable) PrintReadForPeople(context, *read);
  if (output == Output::kRaw) {
    if (read->has_conflict()) return RefuseRawConflict(context, key, *read);
    context.out() << read->values[0];
  }
  return ExitCode::kOk;
}

}  // namespace

void DeclareKeyCommands(CLI::App& app, Action& chosen) {
  auto put_flags = std::make_shared<PutFlags>();
  CLI::App* put = app.add_subcommand("put", "Write a value, in place of whatever the key holds");
  put->add_option("KEY", put_flags->key, "The key")->required();
  CLI::Option* value = put->add_option("VALUE", put_flags->value, "The value; without it, or for '-', standard input");
  put->add_flag("--blind", put_flags->blind, "Don't read first: beside what is there, as a concurrent version");
  put->add_option("--context", put_flags->context, "Replace what this context of an earlier read covers")
      ->type_name("BASE64");
  put->add_option("--ttl", put_flags->ttl, "Expire after this long")->type_name("DURATION");
  put->callback([&chosen, put_flags, value] {
    put_flags->has_value = value->count() > 0;
    chosen = [put_flags](Context& context) { return Put(context, *put_flags); };
  });

  auto get_key = std::make_shared<std::string>();
  CLI::App* get = app.add_subcommand("get", "Read a value; its bare bytes unless to a terminal");
  get->add_option("KEY", *get_key, "The key")->required();
  get->callback([&chosen, get_key] { chosen = [get_key](Context& context) { return Get(context, *get_key); }; });

  auto delete_flags = std::make_shared<DeleteFlags>();
  CLI::App* erase = app.add_subcommand("delete", "Delete what the key holds");
  erase->add_option("KEY", delete_flags->key, "The key")->required();
  erase->add_option("--context", delete_flags->context, "Delete only what this context of an earlier read covers")
      ->type_name("BASE64");
  erase->callback([&chosen, delete_flags] {
    chosen = [delete_flags](Context& context) { return Delete(context, *delete_flags); };
  });
}

}  // namespace henge::cli
