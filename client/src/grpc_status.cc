#include "client/src/grpc_status.h"

#include <string>

namespace henge::sdk {

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  std::string message = status.error_message();
  // Of a list of wrapped causes, the innermost says what happened.
  constexpr std::string_view kConnecting = "Failed to connect to remote host: ";
  if (size_t at = message.rfind(kConnecting); at != std::string::npos)
    message = message.substr(at + kConnecting.size());
  if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED && message.empty()) {
    message = "it doesn't serve Henge's client API";
  }
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), message);
}

}  // namespace henge::sdk
