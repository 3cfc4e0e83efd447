#include "cli/export_line.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/encoding.h"
#include "cli/json.h"
#include "core/model/nearest_name.h"

namespace henge::cli {
namespace {

absl::Status Wrong(const std::string& why) { return absl::InvalidArgumentError(why); }

// The bytes of `name` or `name`_b64, exactly one of which must stand.
absl::StatusOr<std::string> GetBytes(const Json& object, const std::string& name) {
  bool plain = object.contains(name), encoded = object.contains(name + "_b64");
  if (plain == encoded) {
    return Wrong(plain ? absl::StrCat("both \"", name, "\" and \"", name, "_b64\" stand: leave one out")
                       : absl::StrCat("\"", name, "\" is missing"));
  }
  std::string field = plain ? name : name + "_b64";
  const Json& value = object[field];
  if (!value.is_string()) return Wrong(absl::StrCat("\"", field, "\" must be a string"));
  if (plain) return value.get<std::string>();
  auto bytes = FromBase64(value.get<std::string>());
  if (!bytes.ok()) return Wrong(absl::StrCat("\"", field, "\" is not base64"));
  return bytes;
}

absl::Status CheckFields(const Json& object, const std::vector<std::string>& known) {
  for (const auto& [name, value] : object.items()) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    std::string near = NearestName(name, known);
    return Wrong(absl::StrCat("unknown field \"", name, "\"",
                              near.empty() ? "" : absl::StrCat("; did you mean \"", near, "\"?")));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> GetSiblings(const Json& list) {
  if (!list.is_array() || list.empty()) return Wrong("\"siblings\" must be a list of at least one version");
  std::vector<std::string> values;
  for (const Json& entry : list) {
    if (!entry.is_object()) return Wrong("a version in \"siblings\" must be an object");
    if (absl::Status status = CheckFields(entry, {"value", "value_b64"}); !status.ok()) return status;
    auto value = GetBytes(entry, "value");
    if (!value.ok()) return value.status();
    values.push_back(*std::move(value));
  }
  return values;
}

absl::StatusOr<std::string> UnescapeTsv(const std::string& text) {
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      bytes += text[i];
      continue;
    }
    char escaped = ++i < text.size() ? text[i] : '\0';
    if (escaped == 't')
      bytes += '\t';
    else if (escaped == 'n')
      bytes += '\n';
    else if (escaped == 'r')
      bytes += '\r';
    else if (escaped == '\\')
      bytes += '\\';
    else
      return Wrong("a backslash stands before something other than t, n, r or a backslash");
  }
  return bytes;
}

}  // namespace

std::string ExportLine(const ScanItem& item, bool with_context) {
  Json json;
  SetBytes(json, "key", item.key);
  if (item.values.size() == 1) {
    SetBytes(json, "value", item.values[0]);
  } else {
    json["siblings"] = Json::array();
    for (const std::string& value : item.values) {
      Json sibling;
      SetBytes(sibling, "value", value);
      json["siblings"].push_back(std::move(sibling));
    }
  }
  if (with_context) json["context"] = Base64(item.context);
  return OneLineJson(json);
}

absl::StatusOr<ImportRecord> ParseJsonLine(const std::string& line) {
  Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return Wrong("it is not JSON");
  if (!json.is_object()) return Wrong("it is not a JSON object");
  absl::Status fields = CheckFields(json, {"key", "key_b64", "value", "value_b64", "siblings", "context"});
  if (!fields.ok()) return fields;
  ImportRecord record;
  auto key = GetBytes(json, "key");
  if (!key.ok()) return key.status();
  record.key = *std::move(key);
  if (json.contains("siblings")) {
    if (json.contains("value") || json.contains("value_b64")) return Wrong("both a value and \"siblings\" stand");
    auto siblings = GetSiblings(json["siblings"]);
    if (!siblings.ok()) return siblings.status();
    record.values = *std::move(siblings);
    return record;
  }
  auto value = GetBytes(json, "value");
  if (!value.ok()) return value.status();
  record.values.push_back(*std::move(value));
  return record;
}

absl::StatusOr<ImportRecord> ParseTsvLine(const std::string& line) {
  size_t tab = line.find('\t');
  if (tab == std::string::npos) return Wrong("there is no tab between key and value");
  auto key = UnescapeTsv(line.substr(0, tab));
  if (!key.ok()) return key.status();
  auto value = UnescapeTsv(line.substr(tab + 1));
  if (!value.ok()) return value.status();
  return ImportRecord{*std::move(key), {*std::move(value)}};
}

}  // namespace henge::cli
