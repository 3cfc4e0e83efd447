// Many keys at once: grouped by node, so that what one node serves leaves in as few frames as possible.
#include <algorithm>
#include <utility>

#include "client/src/impl.h"
#include "client/src/latch.h"

namespace henge {
namespace {

using sdk::Call;
using sdk::CallPtr;
using sdk::Latch;

// Items in flight at once, of one batch: more would only make queues longer.
constexpr size_t kWindow = 2048;

// Calls `make(i, latch)` for the items of each window, sends what it returns, and waits for the window.
template <class Make>
void RunInWindows(sdk::Dispatcher& dispatcher, size_t items, size_t window, Make make) {
  for (size_t begin = 0; begin < items; begin += window) {
    size_t end = std::min(items, begin + window);
    Latch latch(end - begin);
    std::vector<CallPtr> calls;
    calls.reserve(end - begin);
    for (size_t i = begin; i < end; ++i) calls.push_back(make(i, latch));
    dispatcher.StartAll(std::move(calls));
    latch.Wait();
  }
}

size_t WindowOf(const ClientOptions& options) { return std::clamp<size_t>(options.in_flight_max / 2, 1, kWindow); }

}  // namespace

std::vector<absl::StatusOr<ReadResult>> Client::BatchGet(const std::vector<std::string>& keys, CallOptions options) {
  absl::Status may_block = impl_->CheckMayBlock();
  std::vector<absl::StatusOr<ReadResult>> results(keys.size(), may_block.ok() ? absl::UnknownError("") : may_block);
  if (!may_block.ok()) return results;
  sdk::SteadyTime deadline = impl_->DeadlineOf(options.timeout);
  auto make = [&](size_t i, Latch& latch) {
    CallPtr call = impl_->NewCall(Call::Op::kGet, keys[i], options);
    call->deadline = deadline;
    call->read_done = [&result = results[i], &latch](absl::StatusOr<ReadResult> read) {
      result = std::move(read);
      latch.Arrive();
    };
    return call;
  };
  RunInWindows(impl_->dispatcher(), keys.size(), WindowOf(impl_->engine().options()), make);
  return results;
}

std::vector<WriteResult> Client::BatchPut(std::vector<PutItem> items, CallOptions options) {
  std::vector<WriteResult> results(items.size());
  if (absl::Status may_block = impl_->CheckMayBlock(); !may_block.ok()) {
    for (WriteResult& result : results) {
      result.status = may_block;
      result.outcome = Outcome::kNotApplied;
    }
    return results;
  }
  sdk::SteadyTime deadline = impl_->DeadlineOf(options.timeout);
  auto make = [&](size_t i, Latch& latch) {
    CallPtr call = impl_->NewCall(Call::Op::kPut, items[i].key, options);
    call->value = std::move(items[i].value);
    call->context = std::move(items[i].context);
    call->deadline = deadline;
    call->write_done = [&result = results[i], &latch](WriteResult write) {
      result = std::move(write);
      latch.Arrive();
    };
    return call;
  };
  RunInWindows(impl_->dispatcher(), items.size(), WindowOf(impl_->engine().options()), make);
  return results;
}

}  // namespace henge
