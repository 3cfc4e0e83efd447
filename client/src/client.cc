#include "henge/client.h"

#include <utility>

#include "client/src/endpoints.h"
#include "client/src/impl.h"
#include "client/src/latch.h"
#include "core/model/slot.h"

namespace henge {
namespace {

using sdk::Call;
using sdk::CallPtr;
using sdk::Latch;

int64_t ToUnixMillis(const std::optional<std::chrono::system_clock::time_point>& time) {
  if (!time.has_value()) return 0;
  return std::chrono::duration_cast<Millis>(time->time_since_epoch()).count();
}

WriteResult NotApplied(absl::Status status) {
  WriteResult result;
  result.status = std::move(status);
  result.outcome = Outcome::kNotApplied;
  return result;
}

std::vector<NodeAddress> AddressesOf(const ClusterState& state, std::span<const MemberId> ids) {
  std::vector<NodeAddress> addresses;
  for (MemberId id : ids) {
    const Member* member = state.FindMember(id);
    if (member == nullptr) continue;
    addresses.push_back({id.value(), member->name, member->client_address, member->zone});
  }
  return addresses;
}

}  // namespace

sdk::SteadyTime Client::Impl::DeadlineOf(const std::optional<Millis>& timeout, sdk::SteadyTime now) const {
  constexpr Millis kTimeoutMax = std::chrono::hours(24);
  return now + std::min(timeout.value_or(engine_->options().timeout), kTimeoutMax);
}

CallPtr Client::Impl::NewCall(Call::Op op, std::string_view key, const CallOptions& options) {
  auto call = std::make_unique<Call>();
  call->op = op;
  call->key = key;
  call->bucket = options.bucket;
  call->quorum = options.quorum;
  call->started = sdk::SteadyClock::now();
  call->deadline = DeadlineOf(options.timeout, call->started);
  if (op != Call::Op::kGet) call->op_id = engine_->random().NextOpId();
  if (op == Call::Op::kPut) call->expires_at_ms = ToUnixMillis(options.expires_at);
  return call;
}

absl::Status Client::Impl::CheckMayBlock() const {
  if (!engine_->InIoThread()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "a blocking call from a completion function of the client would wait for itself: use the Async form there");
}

absl::StatusOr<Client> Client::Connect(std::string_view endpoints, ClientOptions options) {
  auto addresses = sdk::ParseEndpoints(endpoints);
  if (!addresses.ok()) return addresses.status();
  auto engine = std::make_shared<sdk::Engine>(std::move(options), *std::move(addresses));
  absl::Status started = engine->Start();
  // From here on its end stops the engine.
  auto impl = std::make_shared<Impl>(std::move(engine));
  if (!started.ok()) return started;
  return Client(std::move(impl));
}

Client::Client(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::Client(const Client&) = default;
Client& Client::operator=(const Client&) = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

void Client::GetAsync(std::string_view key, CallOptions options, std::function<void(absl::StatusOr<ReadResult>)> done) {
  CallPtr call = impl_->NewCall(Call::Op::kGet, key, options);
  call->read_done = std::move(done);
  impl_->dispatcher().Start(std::move(call));
}

void Client::PutAsync(std::string_view key, std::string_view value, std::string_view context, CallOptions options,
                      std::function<void(WriteResult)> done) {
  CallPtr call = impl_->NewCall(Call::Op::kPut, key, options);
  call->value = value;
  call->context = context;
  call->write_done = std::move(done);
  impl_->dispatcher().Start(std::move(call));
}

void Client::Impl::Delete(std::string_view key, std::string_view context, const CallOptions& options,
                          std::function<void(WriteResult)> done) {
  CallPtr call = NewCall(Call::Op::kDelete, key, options);
  call->context = context;
  call->write_done = std::move(done);
  dispatcher().Start(std::move(call));
}

void Client::DeleteAsync(std::string_view key, std::string_view context, CallOptions options,
                         std::function<void(WriteResult)> done) {
  if (!context.empty()) return impl_->Delete(key, context, options, std::move(done));
  const sdk::SteadyTime deadline = impl_->DeadlineOf(options.timeout);
  CallOptions read = options;
  read.quorum = {.replicas = 0, .strict = options.quorum.strict};
  auto then = [weak = std::weak_ptr<Impl>(impl_), key = std::string(key), options = std::move(options), deadline,
               done = std::move(done)](absl::StatusOr<ReadResult> seen) mutable {
    if (!seen.ok()) return done(NotApplied(seen.status()));
    const std::shared_ptr<Impl> impl = weak.lock();
    if (impl == nullptr) return done(NotApplied(absl::CancelledError("the client has ended")));
    options.timeout = std::chrono::duration_cast<Millis>(deadline - sdk::SteadyClock::now());
    if (*options.timeout <= Millis::zero()) {
      return done(NotApplied(absl::DeadlineExceededError("the read before the delete took all the time")));
    }
    impl->Delete(key, seen->context, options, std::move(done));
  };
  GetAsync(key, std::move(read), std::move(then));
}

absl::StatusOr<ReadResult> Client::Get(std::string_view key, CallOptions options) {
  if (absl::Status status = impl_->CheckMayBlock(); !status.ok()) return status;
  absl::StatusOr<ReadResult> result;
  Latch latch;
  GetAsync(key, std::move(options), [&](absl::StatusOr<ReadResult> read) {
    result = std::move(read);
    latch.Arrive();
  });
  latch.Wait();
  return result;
}

WriteResult Client::Put(std::string_view key, std::string_view value, std::string_view context, CallOptions options) {
  if (absl::Status status = impl_->CheckMayBlock(); !status.ok()) return NotApplied(std::move(status));
  WriteResult result;
  Latch latch;
  PutAsync(key, value, context, std::move(options), [&](WriteResult write) {
    result = std::move(write);
    latch.Arrive();
  });
  latch.Wait();
  return result;
}

WriteResult Client::Delete(std::string_view key, std::string_view context, CallOptions options) {
  if (absl::Status status = impl_->CheckMayBlock(); !status.ok()) return NotApplied(std::move(status));
  WriteResult result;
  Latch latch;
  DeleteAsync(key, context, std::move(options), [&](WriteResult write) {
    result = std::move(write);
    latch.Arrive();
  });
  latch.Wait();
  return result;
}

std::future<absl::StatusOr<ReadResult>> Client::GetFuture(std::string_view key, CallOptions options) {
  auto promise = std::make_shared<std::promise<absl::StatusOr<ReadResult>>>();
  GetAsync(key, std::move(options),
           [promise](absl::StatusOr<ReadResult> read) { promise->set_value(std::move(read)); });
  return promise->get_future();
}

std::future<WriteResult> Client::PutFuture(std::string_view key, std::string_view value, std::string_view context,
                                           CallOptions options) {
  auto promise = std::make_shared<std::promise<WriteResult>>();
  PutAsync(key, value, context, std::move(options),
           [promise](WriteResult write) { promise->set_value(std::move(write)); });
  return promise->get_future();
}

std::future<WriteResult> Client::DeleteFuture(std::string_view key, std::string_view context, CallOptions options) {
  auto promise = std::make_shared<std::promise<WriteResult>>();
  DeleteAsync(key, context, std::move(options), [promise](WriteResult write) { promise->set_value(std::move(write)); });
  return promise->get_future();
}

std::vector<NodeAddress> Client::Nodes() const {
  RingPtr ring = impl_->engine().topology().view()->ring();
  std::vector<MemberId> ids;
  for (const Member& member : ring->state().members) ids.push_back(member.id);
  return AddressesOf(ring->state(), ids);
}

uint64_t Client::state_version() const { return impl_->engine().topology().view()->version(); }

std::vector<NodeAddress> Client::Owners(std::string_view key) const {
  RingPtr ring = impl_->engine().topology().view()->ring();
  return AddressesOf(ring->state(), ring->Owners(PartitionOf(key)));
}

}  // namespace henge
