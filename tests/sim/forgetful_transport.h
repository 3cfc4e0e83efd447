// A planted bug: gossip to members that are held dead is never sent, so that two sides which hold each other dead stay
// apart for ever.
//
// Owned by the simulated node, between it and its control loop's transport; on that loop.
#pragma once

#include <functional>
#include <utility>
#include <variant>

#include "core/runtime/executor.h"
#include "core/runtime/transport.h"

namespace henge::sim {

class ForgetfulTransport final : public Transport {
 public:
  ForgetfulTransport(Transport& inner, Executor& loop, std::function<bool(MemberId)> is_dead)
      : inner_(inner), loop_(loop), is_dead_(std::move(is_dead)) {}

  void Call(MemberId to, PeerRequest request, MonotonicTime deadline, Callback done) override {
    const auto* control = std::get_if<ControlRequest>(&request);
    if (control != nullptr && control->kind == ControlKind::kGossip && is_dead_(to)) {
      loop_.Post([done = std::move(done)]() mutable { done(absl::UnavailableError("forgotten")); });
      return;
    }
    inner_.Call(to, std::move(request), deadline, std::move(done));
  }

 private:
  Transport& inner_;
  Executor& loop_;
  const std::function<bool(MemberId)> is_dead_;
};

}  // namespace henge::sim
