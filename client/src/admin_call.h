// Calls of henge.v1.Admin, each on a connection of its own.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/src/channel.h"
#include "client/src/endpoints.h"
#include "client/src/grpc_status.h"
#include "henge/v1/admin.grpc.pb.h"

namespace henge::sdk {

template <class Request, class Reply>
using AdminMethod = grpc::Status (v1::Admin::Stub::*)(grpc::ClientContext*, const Request&, Reply*);

template <class Reply>
struct Answer {
  absl::StatusOr<Reply> reply;
  bool asked = true;  // false: no connection came about, so the node can't have the request
};

// Dialled a second time if the first time failed: gRPC before 1.61 now and then takes a connection that is being made
// for one that was refused (its pull request 35064).
template <class Request, class Reply>
Answer<Reply> AskOne(const std::string& endpoint, AdminMethod<Request, Reply> method, const Request& request,
                     std::chrono::milliseconds timeout) {
  constexpr int kDials = 2;
  const auto deadline = std::chrono::system_clock::now() + timeout;
  for (int dial = 1;; ++dial) {
    const std::shared_ptr<grpc::Channel> channel = MakeChannel(endpoint, timeout);
    grpc::ClientContext context;
    context.set_deadline(deadline);
    Reply reply;
    const absl::Status status = FromGrpc(((*v1::Admin::NewStub(channel)).*method)(&context, request, &reply));
    if (status.ok()) return {std::move(reply)};
    const bool asked = !absl::IsUnavailable(status) || channel->GetState(false) != GRPC_CHANNEL_TRANSIENT_FAILURE;
    if (asked || dial == kDials || std::chrono::system_clock::now() >= deadline) {
      return {absl::Status(status.code(), absl::StrCat(endpoint, ": ", status.message())), asked};
    }
  }
}

// What may be asked of a second node when the first one took too long, or went away meanwhile: a question, but no
// change, which would then be made twice or refused as made already.
enum class Repeat : uint8_t { kQuestion, kChange };

// Asks one endpoint after the other until one answers.
template <class Request, class Reply>
absl::StatusOr<Reply> AskFirst(std::string_view endpoints, AdminMethod<Request, Reply> method, const Request& request,
                               std::chrono::milliseconds timeout, Repeat repeat = Repeat::kQuestion) {
  auto list = ParseEndpoints(endpoints);
  if (!list.ok()) return list.status();
  std::vector<std::string> errors;
  absl::StatusCode code = absl::StatusCode::kUnavailable;
  for (const std::string& endpoint : *list) {
    auto [reply, asked] = AskOne(endpoint, method, request, timeout);
    if (reply.ok()) return std::move(reply);
    const absl::Status& why = reply.status();
    code = why.code();
    errors.push_back(std::string(why.message()));
    const bool open = asked && (absl::IsDeadlineExceeded(why) || absl::IsUnavailable(why));
    if (repeat == Repeat::kChange && open) break;
  }
  return absl::Status(code, absl::StrJoin(errors, "; "));
}

}  // namespace henge::sdk
