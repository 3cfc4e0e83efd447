// absl::Status <-> grpc::Status: the codes are the same numbers.
#pragma once

#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "node/wire/wire_util.h"

namespace henge {

inline absl::Status FromGrpc(const grpc::Status& status) {
  return StatusFromWire(static_cast<uint32_t>(status.error_code()), status.error_message());
}

inline grpc::Status ToGrpc(const absl::Status& status) {
  return {static_cast<grpc::StatusCode>(status.code()), MessageToWire(status)};
}

}  // namespace henge
