// Planted bugs between a node and its peers: transports and handlers that do wrong. Owned by the simulated node.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "core/runtime/executor.h"
#include "core/runtime/transport.h"
#include "tests/sim/monitor.h"

namespace henge::sim {

// A merge without a mint (a hint's delivery, a repair, the copies of a strict read) is answered as soon as it is sent.
class EagerTransport final : public Transport {
 public:
  EagerTransport(Transport& inner, Executor& loop) : inner_(inner), loop_(loop) {}

  void Call(MemberId to, PeerRequest request, MonotonicTime deadline, Callback done) override {
    const auto* merge = std::get_if<MergeRequest>(&request);
    if (merge != nullptr && !merge->minter.has_value()) {
      loop_.Post([done = std::move(done)]() mutable { done(PeerReply(MergeReply{})); });
      done = [](const absl::StatusOr<PeerReply>&) {};
    }
    inner_.Call(to, std::move(request), deadline, std::move(done));
  }

 private:
  Transport& inner_;
  Executor& loop_;
};

// A merge without a mint replaces the record that it comes to.
class OverwritingHandler final : public PeerHandler {
 public:
  OverwritingHandler(PeerHandler& inner, MonitoredEngine& engine) : inner_(inner), engine_(engine) {}

  void Handle(MemberId from, PeerRequest request, MonotonicTime deadline, ReplyFn reply) override {
    const auto* merge = std::get_if<MergeRequest>(&request);
    if (merge != nullptr && !merge->minter.has_value()) {
      engine_.OverwriteNext(merge->key.key, merge->object);
      reply = [this, key = merge->key.key, reply = std::move(reply)](absl::StatusOr<PeerReply> answer) mutable {
        engine_.OverwriteNext(key, "");
        reply(std::move(answer));
      };
    }
    inner_.Handle(from, std::move(request), deadline, std::move(reply));
  }

 private:
  PeerHandler& inner_;
  MonitoredEngine& engine_;
};

}  // namespace henge::sim
