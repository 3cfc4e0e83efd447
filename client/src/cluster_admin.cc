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

absl::StatusOr<RecoverView> RecoverCluster(std::string_view endpoints, const std::vector<std::string>& survivors,
                                           bool force, std::chrono::milliseconds timeout) {
  v1::RecoverRequest request;
  for (const std::string& name : survivors) request.add_survivors(name);
  request.set_force(force);
  auto reply =
      sdk::AskFirst(endpoints, sdk::AdminMethod<v1::RecoverRequest, v1::RecoverReply>(&v1::Admin::Stub::Recover),
                    request, timeout, sdk::Repeat::kChange);
  if (!reply.ok()) return reply.status();
  if (reply->code() != 0) return sdk::StatusOf(reply->code(), reply->message());
  RecoverView view{.done = reply->done(),
                   .begun = reply->begun(),
                   .cluster = reply->cluster(),
                   .state_version = reply->state_version(),
                   .partitions_lost = reply->partitions_lost(),
                   .partitions_at_risk = reply->partitions_at_risk(),
                   .unconfirmed = {reply->unconfirmed().begin(), reply->unconfirmed().end()}};
  for (const v1::RecoverReply::OfMember& member : reply->members()) {
    view.members.push_back({.name = member.name(),
                            .stays = member.stays(),
                            .disk_replaced = member.disk_replaced(),
                            .owned_before = member.owned_before(),
                            .owned_after = member.owned_after(),
                            .recovering = member.recovering()});
  }
  return view;
}

}  // namespace henge
