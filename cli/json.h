// Documents that commands print. Their fields are a contract: some are added, none are changed.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

#include "henge/client.h"

namespace henge::cli {

using Json = nlohmann::ordered_json;

// Sets `name` to `bytes` if they are text, else `name`_b64 to their base64.
void SetBytes(Json& object, const std::string& name, std::string_view bytes);

Json ReadFactsJson(const Facts& facts);
Json WriteFactsJson(const Facts& facts);

// On one line; what is not UTF-8, in a message say, is replaced.
std::string OneLineJson(const Json& json);
// For people's eyes too.
std::string PrettyJson(const Json& json);

}  // namespace henge::cli
