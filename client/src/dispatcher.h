// The life of a call: admitted, sent to a node, tried again elsewhere if that may help, and completed once.
//
// Thread-safe. Owned by the Engine. Users' functions run on IO threads, without any lock held.
#pragma once

#include <atomic>
#include <vector>

#include "client/src/connection.h"
#include "client/src/retry_policy.h"
#include "client/src/retry_quota.h"
#include "client/src/topology.h"

namespace henge::sdk {

class Dispatcher final : public CallSink {
 public:
  Dispatcher(const ClientOptions& options, IoLoop& loop, RandomIds& random)
      : options_(options), loop_(loop), random_(random), quota_(options.retry.quota_tokens) {}

  // Once, before the first call and the first connection.
  void SetTopology(Topology* topology) { topology_ = topology; }

  void Start(CallPtr call);
  // Sends what goes to one node as one frame, as far as a frame holds it.
  void StartAll(std::vector<CallPtr> calls);

  // From now on calls end with CANCELLED.
  void Close() { closed_.store(true); }

  void OnReply(CallPtr call, Connection& from, v1::Reply& reply) override;
  void OnLost(CallPtr call, Connection& from, const absl::Status& why) override;
  void OnExpired(CallPtr call, Connection& from) override;
  void OnLate(CallPtr call, Connection& from) override;
  void OnStateVersion(uint64_t version) override { topology_->OnStateVersion(version); }
  void OnReadiness() override { topology_->OnReadiness(); }

 private:
  // Whether it may go on; else it has been refused.
  bool Admit(CallPtr& call);
  // Returns the connection that has taken the call, or null if it must wait or has ended.
  // `loop` is where a call that isn't sent goes on: it must not have ended.
  Connection* Attempt(IoLoop& loop, CallPtr call, const RingView& view, Connection::When when);
  void Again(IoLoop& loop, CallPtr call);
  // After a failed attempt: another one, or the end.
  void RetryOrEnd(IoLoop& loop, CallPtr call, const AttemptFailure& failure, absl::Status status);
  void End(CallPtr call, absl::Status status);
  // As End, later, on `loop`.
  void EndSoon(IoLoop& loop, CallPtr call, absl::Status status);
  void Release(const Call& call);

  const ClientOptions options_;
  IoLoop& loop_;
  RandomIds& random_;
  RetryQuota quota_;
  Topology* topology_ = nullptr;
  std::atomic<bool> closed_{false};
  std::atomic<size_t> in_flight_{0};
  std::atomic<size_t> in_flight_bytes_{0};
};

}  // namespace henge::sdk
