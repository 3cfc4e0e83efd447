#include "cli/json.h"

#include "cli/encoding.h"

namespace henge::cli {

void SetBytes(Json& object, const std::string& name, std::string_view bytes) {
  if (IsUtf8(bytes)) {
    object[name] = bytes;
  } else {
    object[name + "_b64"] = Base64(bytes);
  }
}

Json ReadFactsJson(const Facts& facts) {
  return {{"state_version", facts.state_version}, {"needed", facts.needed},
          {"answered", facts.answered},           {"stale", facts.stale},
          {"coordinator", facts.coordinator},     {"attempts", facts.attempts}};
}

Json WriteFactsJson(const Facts& facts) {
  return {{"state_version", facts.state_version},
          {"needed", facts.needed},
          {"durable", facts.durable},
          {"primaries", facts.primaries},
          {"fallbacks", facts.fallbacks},
          {"fallback_available", facts.fallback_available},
          {"coordinator", facts.coordinator},
          {"attempts", facts.attempts}};
}

std::string OneLineJson(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string PrettyJson(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace); }

}  // namespace henge::cli
