// gRPC's errors as ours: its codes are the same, its words are made short enough for people.
#pragma once

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace henge::sdk {

absl::Status FromGrpc(const grpc::Status& status);

}  // namespace henge::sdk
