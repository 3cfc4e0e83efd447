#include "client/src/topology.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/src/unary.h"

namespace henge::sdk {
namespace {

constexpr SteadyDuration kFetchTimeout = std::chrono::seconds(2);
constexpr SteadyDuration kFetchAgain = std::chrono::milliseconds(50);
// When and how often Bootstrap asks a node again that could not be connected to: after gRPC's first pause, which is of
// 100 ms at least, give or take a fifth. Why: admin_call.h.
constexpr SteadyDuration kAskAgain = std::chrono::milliseconds(200);
constexpr int kAsksAgain = 2;
// How long Bootstrap waits for members beyond the first.
constexpr SteadyDuration kSettleTime = std::chrono::milliseconds(250);

// What the fetches of Bootstrap have come to; outlives it if one comes late.
struct Fetches {
  std::mutex mutex;
  std::condition_variable changed;
  size_t left;
  bool success = false;
  std::vector<std::string> errors;
};

}  // namespace

Topology::Topology(IoLoop& loop, std::vector<std::string> endpoints, bool endpoints_only, NodePool::Factory factory)
    : loop_(loop), endpoints_only_(endpoints_only), pool_(std::move(endpoints), std::move(factory)) {}

absl::Status Topology::Bootstrap(SteadyDuration timeout) {
  SteadyTime deadline = SteadyClock::now() + timeout;
  pool_.Reconcile({});
  auto endpoints = pool_.All();
  {
    std::lock_guard lock(mutex_);
    view_ = std::make_shared<RingView>(nullptr, endpoints);
  }
  auto fetches = std::make_shared<Fetches>();
  fetches->left = endpoints.size();
  for (const auto& endpoint : endpoints) {
    auto ended = [fetches, address = endpoint->address()](const absl::Status& status) {
      std::lock_guard lock(fetches->mutex);
      --fetches->left;
      if (status.ok())
        fetches->success = true;
      else
        fetches->errors.push_back(absl::StrCat(address, ": ", status.message()));
      fetches->changed.notify_all();
    };
    FetchFirst(endpoint, deadline, kAsksAgain, ended);
  }
  {
    std::unique_lock lock(fetches->mutex);
    fetches->changed.wait(lock, [&] { return fetches->success || fetches->left == 0; });
    if (!fetches->success) {
      return absl::UnavailableError(
          absl::StrCat("no node of the cluster can be reached: ", absl::StrJoin(fetches->errors, "; "),
                       ". Is henged running there, and is this its client port?"));
    }
  }
  auto settled = [this] {
    const auto& all = view_->all();
    return std::all_of(all.begin(), all.end(), [](const auto& connection) { return connection->tried(); });
  };
  auto some_ready = [this] {
    const auto& all = view_->all();
    return std::any_of(all.begin(), all.end(), [](const auto& connection) { return connection->ready(); });
  };
  std::unique_lock lock(mutex_);
  changed_.wait_until(lock, std::min(deadline, SteadyClock::now() + kSettleTime), settled);
  changed_.wait_until(lock, deadline, [&] { return some_ready() || settled(); });
  // All that failed at once are dialled again soon.
  changed_.wait_until(lock, std::min(deadline, SteadyClock::now() + 2 * kSettleTime), some_ready);
  return absl::OkStatus();
}

void Topology::Close() {
  pool_.Close();
  std::lock_guard lock(mutex_);
  closed_ = true;
}

bool Topology::Closed() const {
  std::lock_guard lock(mutex_);
  return closed_;
}

RingViewPtr Topology::view() const {
  std::lock_guard lock(mutex_);
  return view_;
}

void Topology::OnReadiness() {
  std::lock_guard lock(mutex_);
  changed_.notify_all();
}

void Topology::OnStateVersion(uint64_t version) {
  if (version <= version_.load(std::memory_order_relaxed)) return;
  uint64_t wanted = version_wanted_.load();
  while (wanted < version && !version_wanted_.compare_exchange_weak(wanted, version)) continue;
  if (!fetching_.exchange(true)) FetchNewer();
}

void Topology::FetchFirst(std::shared_ptr<Connection> from, SteadyTime deadline, int asks_again,
                          std::function<void(absl::Status)> done) {
  Fetch(from, deadline - SteadyClock::now(), [this, from, deadline, asks_again, done](absl::Status status) {
    const SteadyTime again = SteadyClock::now() + kAskAgain;
    if (!absl::IsUnavailable(status) || again >= deadline || asks_again == 0) return done(std::move(status));
    loop_.RunAt(again, [this, from, deadline, asks_again, done] {
      if (Closed()) return done(absl::CancelledError("the client was closed"));
      FetchFirst(from, deadline, asks_again - 1, done);
    });
  });
}

void Topology::FetchNewer() {
  Fetch(AnyNode(), kFetchTimeout, [this](absl::Status status) {
    fetching_.store(false);
    if (version_.load() >= version_wanted_.load() || Closed()) return;
    // That node doesn't have it yet, or failed: another will be asked.
    SteadyDuration pause = status.ok() ? kFetchAgain : 4 * kFetchAgain;
    loop_.RunAt(SteadyClock::now() + pause, [this] { OnStateVersion(version_wanted_.load()); });
  });
}

void Topology::Fetch(const std::shared_ptr<Connection>& from, SteadyDuration timeout,
                     absl::AnyInvocable<void(absl::Status)> done) {
  UnaryCall<v1::ClusterStateReply>::Run(
      loop_, timeout,
      [&](grpc::ClientContext* context, grpc::CompletionQueue* cq) {
        return from->admin().AsyncGetClusterState(context, v1::ClusterStateRequest(), cq);
      },
      [this, done = std::move(done)](absl::Status status, v1::ClusterStateReply& reply) mutable {
        if (status.ok()) status = Install(reply.state());
        done(std::move(status));
      });
}

absl::Status Topology::Install(const std::string& encoded) {
  auto state = ClusterState::Decode(encoded);
  if (!state.ok()) {
    return absl::InternalError(absl::StrCat("it sent a cluster state that this client can't read (",
                                            state.status().message(), "): use a client of its version"));
  }
  std::lock_guard install_lock(install_mutex_);
  RingViewPtr current = view();
  if (state->version.value() <= current->version()) return absl::OkStatus();
  if (current->ring() != nullptr && current->ring()->cluster() != state->cluster) {
    return absl::FailedPreconditionError("it belongs to another cluster: all endpoints must be of one");
  }
  if (!endpoints_only_) {
    std::vector<std::string> addresses;
    for (const Member& member : state->members) addresses.push_back(member.client_address);
    pool_.Reconcile(addresses);
  }
  auto next = std::make_shared<RingView>(std::make_shared<const Ring>(*std::move(state)), pool_.All());
  version_.store(next->version());
  std::lock_guard lock(mutex_);
  view_ = std::move(next);
  changed_.notify_all();
  return absl::OkStatus();
}

std::shared_ptr<Connection> Topology::AnyNode() {
  RingViewPtr current = view();
  const auto& all = current->all();
  size_t start = next_node_.fetch_add(1, std::memory_order_relaxed);
  for (size_t i = 0; i < all.size(); ++i) {
    const auto& connection = all[(start + i) % all.size()];
    if (connection->ready()) return connection;
  }
  return all[start % all.size()];
}

std::string Topology::WhyNone() const {
  std::vector<std::string> reasons;
  for (const auto& connection : view()->all()) {
    absl::Status why = connection->last_error();
    reasons.push_back(why.ok() ? absl::StrCat(connection->address(), ": connecting") : std::string(why.message()));
  }
  return absl::StrJoin(reasons, "; ");
}

}  // namespace henge::sdk
