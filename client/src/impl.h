// What a Client points to: its last copy's end stops the engine.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "client/src/call.h"
#include "client/src/engine.h"
#include "henge/client.h"

namespace henge {

class Client::Impl {
 public:
  explicit Impl(std::shared_ptr<sdk::Engine> engine) : engine_(std::move(engine)) {}
  ~Impl() { engine_->Stop(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  sdk::Engine& engine() { return *engine_; }
  sdk::Dispatcher& dispatcher() { return engine_->dispatcher(); }

  // A call without a value, a context and somebody to tell.
  sdk::CallPtr NewCall(sdk::Call::Op op, std::string_view key, const CallOptions& options);
  sdk::SteadyTime DeadlineOf(const std::optional<Millis>& timeout, sdk::SteadyTime now) const;
  sdk::SteadyTime DeadlineOf(const std::optional<Millis>& timeout) const {
    return DeadlineOf(timeout, sdk::SteadyClock::now());
  }

  // Covers what `context` does, and nothing else.
  void Delete(std::string_view key, std::string_view context, const CallOptions& options,
              std::function<void(WriteResult)> done);

  // What a blocking call on an IO thread gets, which would wait for itself; else OK.
  absl::Status CheckMayBlock() const;

 private:
  const std::shared_ptr<sdk::Engine> engine_;
};

}  // namespace henge
