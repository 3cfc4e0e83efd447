#include "node/config/initial_cluster.h"

#include <charconv>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/runtime/status_macros.h"

namespace henge {
namespace {

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts(1);
  for (char c : text) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back().push_back(c);
    }
  }
  return parts;
}

std::string Trimmed(const std::string& text) {
  const size_t first = text.find_first_not_of(" \t\n");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\n") - first + 1);
}

absl::Status Mistake(const std::string& entry, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat("initial_cluster, member \"", entry, "\": ", what,
                                                 " (expected NAME=HOST:CLIENT_PORT/HOST:PEER_PORT[@ZONE])"));
}

bool IsName(const std::string& name) {
  for (char c : name) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_' && c != '.') return false;
  }
  return !name.empty();
}

absl::StatusOr<InitialMember> ParseMember(const std::string& entry) {
  const size_t equals = entry.find('=');
  const size_t slash = entry.find('/');
  if (equals == std::string::npos) return Mistake(entry, "no '=' after the name");
  if (slash == std::string::npos || slash < equals) return Mistake(entry, "no '/' between the two addresses");
  const size_t at = entry.find('@', slash);
  InitialMember member;
  member.name = Trimmed(entry.substr(0, equals));
  member.client_address = Trimmed(entry.substr(equals + 1, slash - equals - 1));
  member.peer_address = Trimmed(entry.substr(slash + 1, at == std::string::npos ? at : at - slash - 1));
  if (at != std::string::npos) member.zone = Trimmed(entry.substr(at + 1));
  if (!IsName(member.name)) return Mistake(entry, "a name has letters, digits, '-', '_' and '.' only");
  for (const std::string& address : {member.client_address, member.peer_address}) {
    if (absl::Status status = CheckAddress(address, 1); !status.ok()) {
      return Mistake(entry, std::string(status.message()));
    }
  }
  return member;
}

}  // namespace

absl::Status CheckAddress(const std::string& address, int port_min) {
  const size_t colon = address.rfind(':');
  const bool bracketed =
      !address.empty() && address[0] == '[' && colon != std::string::npos && address[colon - 1] == ']';
  if (colon == std::string::npos || colon == 0 || (!bracketed && address.find(':') != colon)) {
    return absl::InvalidArgumentError(absl::StrCat("\"", address, "\" is no HOST:PORT"));
  }
  int port = -1;
  const char* end = address.data() + address.size();
  const auto parsed = std::from_chars(address.data() + colon + 1, end, port);
  if (parsed.ec != std::errc() || parsed.ptr != end || port < port_min || port > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", address, "\" has no port from ", port_min, " to 65535 after the last ':'"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<InitialMember>> ParseInitialCluster(const std::string& text) {
  std::vector<InitialMember> members;
  for (const std::string& entry : Split(text, ',')) {
    if (Trimmed(entry).empty()) continue;
    HENGE_ASSIGN_OR_RETURN(InitialMember member, ParseMember(Trimmed(entry)));
    members.push_back(std::move(member));
  }
  if (members.empty()) return absl::InvalidArgumentError("initial_cluster lists no member");
  return members;
}

absl::StatusOr<std::map<std::string, std::string>> ParsePeerDial(const std::string& text) {
  std::map<std::string, std::string> addresses;
  for (const std::string& part : Split(text, ',')) {
    const std::string entry = Trimmed(part);
    if (entry.empty()) continue;
    const size_t equals = entry.find('=');
    std::string wrong;
    if (equals == std::string::npos || equals == 0) {
      wrong = "no NAME= before the address";
    } else if (absl::Status status = CheckAddress(Trimmed(entry.substr(equals + 1)), 1); !status.ok()) {
      wrong = std::string(status.message());
    } else if (!addresses.emplace(Trimmed(entry.substr(0, equals)), Trimmed(entry.substr(equals + 1))).second) {
      wrong = "this member has two";
    }
    if (!wrong.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("peer_dial, \"", entry, "\": ", wrong, " (expected NAME=HOST:PORT)"));
    }
  }
  return addresses;
}

}  // namespace henge
