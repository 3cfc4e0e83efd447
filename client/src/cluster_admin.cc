// Decisions about the cluster as a whole, as henge/admin.h shows them.
#include <string>

#include "client/src/admin_call.h"
#include "client/src/wire.h"
#include "henge/admin.h"

namespace henge {

absl::StatusOr<uint64_t> BootstrapWithout(std::string_view endpoints, const std::vector<std::string>& without,
                                          std::chrono::milliseconds timeout) {
  v1::BootstrapRequest request;
  for (const std::string& name : without) request.add_without(name);
  auto reply =
      sdk::AskFirst(endpoints, sdk::AdminMethod<v1::BootstrapRequest, v1::BootstrapReply>(&v1::Admin::Stub::Bootstrap),
                    request, timeout, sdk::Repeat::kChange);
  if (!reply.ok()) return reply.status();
  if (reply->code() != 0) return sdk::StatusOf(reply->code(), reply->message());
  return reply->state_version();
}

}  // namespace henge
