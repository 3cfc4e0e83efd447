#include "node/config/config_file.h"

// The parser as a header, so that it can be built to return its errors.
#undef TOML_HEADER_ONLY
#undef TOML_SHARED_LIB
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
// Its assertions fire on files that are merely wrong, "[=]" say, for which it has an error, too.
#define TOML_ASSERT(condition) static_assert(true)
#include <toml++/toml.h>

#include "absl/strings/str_cat.h"
#include "core/runtime/status_macros.h"

namespace henge {
namespace {

absl::Status Mistake(const std::string& path, uint32_t line, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat(path, ", line ", line, ": ", what));
}

absl::Status Flatten(const toml::table& table, const std::string& prefix, const std::string& path,
                     std::vector<FileValue>* out) {
  for (const auto& [key, node] : table) {
    FileValue value;
    value.name = absl::StrCat(prefix, std::string(key.str()));
    value.line = static_cast<int>(node.source().begin.line);
    if (const toml::table* section = node.as_table()) {
      if (!prefix.empty()) return Mistake(path, node.source().begin.line, absl::StrCat("no section ", value.name));
      HENGE_RETURN_IF_ERROR(Flatten(*section, absl::StrCat(value.name, "."), path, out));
      continue;
    }
    if (const auto* text = node.as_string()) {
      value.value = text->get();
    } else if (const auto* number = node.as_integer()) {
      value.value = absl::StrCat(number->get());
      value.is_number = true;
    } else {
      return Mistake(path, node.source().begin.line,
                     absl::StrCat(value.name, " must be a text in quotes or a whole number"));
    }
    out->push_back(std::move(value));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<FileValue>> ParseConfigFile(const std::string& text, const std::string& path) {
  const toml::parse_result result = toml::parse(text, path);
  if (!result) {
    return Mistake(path, result.error().source().begin.line, std::string(result.error().description()));
  }
  std::vector<FileValue> values;
  HENGE_RETURN_IF_ERROR(Flatten(result.table(), "", path, &values));
  return values;
}

}  // namespace henge
