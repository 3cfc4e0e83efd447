// Pages of records, each asked of one node, which gathers it from the owners.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/src/impl.h"
#include "client/src/latch.h"
#include "client/src/retry_policy.h"
#include "client/src/unary.h"
#include "client/src/wire.h"
#include "core/model/limits.h"

namespace henge {
namespace {

using sdk::Latch;
using sdk::SteadyClock;
using sdk::SteadyDuration;
using sdk::SteadyTime;

absl::Status AskOnce(sdk::Engine& engine, const v1::ScanPageRequest& request, SteadyDuration timeout,
                     v1::ScanPageReply* page) {
  absl::Status status;
  Latch latch;
  auto node = engine.topology().AnyNode();
  sdk::UnaryCall<v1::ScanPageReply>::Run(
      engine.loop(), timeout,
      [&](grpc::ClientContext* context, grpc::CompletionQueue* cq) {
        return node->kv().AsyncScan(context, request, cq);
      },
      [&](absl::Status transport, v1::ScanPageReply& reply) {
        status = std::move(transport);
        if (status.ok()) status = sdk::StatusOf(reply.code(), reply.message());
        page->Swap(&reply);
        latch.Arrive();
      });
  latch.Wait();
  return status;
}

ScanPage TakePage(v1::ScanPageReply& reply) {
  ScanPage page;
  page.items.reserve(reply.entries_size());
  for (v1::ScanEntry& entry : *reply.mutable_entries()) {
    ScanItem& item = page.items.emplace_back();
    item.key = std::move(*entry.mutable_key());
    item.context = std::move(*entry.mutable_context());
    for (std::string& value : *entry.mutable_values()) item.values.push_back(std::move(value));
  }
  page.cursor = std::move(*reply.mutable_cursor());
  page.done = reply.done();
  page.progress = reply.done() ? 1.0 : static_cast<double>(reply.partitions_done()) / kPartitionCount;
  return page;
}

}  // namespace

absl::StatusOr<ScanPage> Client::Scan(std::string_view cursor, ScanOptions options) {
  if (absl::Status status = impl_->CheckMayBlock(); !status.ok()) return status;
  sdk::Engine& engine = impl_->engine();
  SteadyTime deadline = impl_->DeadlineOf(options.timeout);
  v1::ScanPageRequest request;
  if (options.bucket != "default") request.set_bucket(options.bucket);
  request.set_cursor(std::string(cursor));
  request.set_bytes_max(options.page_bytes);
  request.set_prefix(options.prefix);
  for (int attempts = 1;; ++attempts) {
    SteadyDuration left = deadline - SteadyClock::now();
    if (left <= SteadyDuration::zero()) {
      return absl::DeadlineExceededError("the scan's page did not come in time: give it a longer timeout");
    }
    auto budget = std::chrono::duration_cast<std::chrono::microseconds>(sdk::ServerBudget(left)).count();
    request.set_budget_us(static_cast<uint64_t>(std::max<int64_t>(budget, 1)));
    v1::ScanPageReply reply;
    absl::Status status = AskOnce(engine, request, left, &reply);
    if (status.ok()) return TakePage(reply);
    sdk::AttemptFailure failure = {.code = status.code(), .did_nothing = true};
    sdk::RetryVerdict verdict = sdk::DecideRetry(engine.options().retry, failure, attempts,
                                                 deadline - SteadyClock::now(), engine.random().Next());
    if (!verdict.retry) return status;
    std::this_thread::sleep_for(verdict.delay);
  }
}

}  // namespace henge
