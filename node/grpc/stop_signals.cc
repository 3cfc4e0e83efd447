#include "node/grpc/stop_signals.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "core/runtime/check.h"
#include "node/real/thread_name.h"

namespace henge {
namespace {

// Ends the waiting thread; nobody else sends it.
constexpr int kEndSignal = SIGUSR2;

sigset_t WatchedSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, kEndSignal);
  return set;
}

}  // namespace

StopSignals::StopSignals(StopEvent& event) : event_(event) {
  const sigset_t set = WatchedSignals();
  HENGE_CHECK(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
  // A reader of our output that goes away is an error of that write, no reason to die.
  signal(SIGPIPE, SIG_IGN);
  thread_ = std::thread([this] { Run(); });
}

StopSignals::~StopSignals() {
  pthread_kill(thread_.native_handle(), kEndSignal);
  thread_.join();
}

void StopSignals::Run() {
  NameThisThread("henge-signals");
  const sigset_t set = WatchedSignals();
  for (bool asked = false;; asked = true) {
    int number = 0;
    if (sigwait(&set, &number) != 0) continue;
    if (number == kEndSignal) return;
    if (asked) _exit(128 + number);
    event_.Set({false, number == SIGTERM ? "SIGTERM" : "SIGINT"});
  }
}

}  // namespace henge
