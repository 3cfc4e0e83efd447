// What core/runtime/transport.h promises, of a pair of endpoints: a caller and the peer that serves it.
//
// The suite is transport_contract.cc. Each transport has a binary of its own, which links the suite and defines
// MakeTransportWorld().
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "core/runtime/executor.h"
#include "core/runtime/transport.h"

namespace henge::contract {

struct TransportLimits {
  size_t calls_max = 4096;  // unanswered calls to one peer; beyond, RESOURCE_EXHAUSTED
};

// Two live processes that know each other as members, connected or about to connect by themselves. Faults happen only
// when asked for.
class TransportWorld {
 public:
  virtual ~TransportWorld() = default;

  virtual MemberId caller() const = 0;
  virtual MemberId callee() const = 0;
  // A member that no cluster state names.
  virtual MemberId stranger() const = 0;

  // The caller's end. To be used inside OnCallerLoop.
  virtual Transport& transport() = 0;
  virtual MonotonicTime CallerNow() const = 0;
  virtual MonotonicTime CalleeNow() const = 0;
  // Runs `closure` on the loop in question and waits for it.
  virtual void OnCallerLoop(Closure closure) = 0;
  virtual void OnCalleeLoop(Closure closure) = 0;
  // Whether this instant is inside a turn of the caller's (callee's) loop.
  virtual bool IsOnCallerLoop() const = 0;
  virtual bool IsOnCalleeLoop() const = 0;

  // Who serves the callee; lives as long as the world. Before the first call only.
  virtual void Serve(PeerHandler* handler) = 0;

  // Lets the world go on until `done()`, which may be asked on any thread; false after a patience of many seconds.
  virtual bool AwaitTrue(std::function<bool()> done) = 0;
  // Lets the world go on for `span`.
  virtual void Pass(Duration span) = 0;

  // Breaks the connection while calls are on it. Both ends live, and connect again by themselves.
  virtual void BreakConnection() = 0;
  // Ends the callee's process for good, so that its end of the connection is closed. Its loop may not be used any more.
  virtual void StopCallee() = 0;
};

// Defined by the binary of each transport.
std::unique_ptr<TransportWorld> MakeTransportWorld(TransportLimits limits);

}  // namespace henge::contract
