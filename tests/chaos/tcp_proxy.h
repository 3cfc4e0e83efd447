// A link that a test mistreats: passes on bytes between who dials `listen` and `target`, until it is told otherwise.
//
// Owned by the test; a thread of its own. Each way has a rule. A way that is cut passes nothing and tells nobody: no
// byte, no end, no reset, as when a machine or a cable is gone; what was sent meanwhile comes after the heal, as TCP
// would repeat it. New connections seem to be taken, by the system, and hear nothing, while either way is cut: both are
// needed to connect.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace henge::chaos {

enum class LinkWay : uint8_t { kForward, kBackward };  // forward: from who dials to the target

struct LinkRule {
  bool cut = false;
  std::chrono::milliseconds delay{0};
  uint64_t bytes_per_second = 0;  // of one connection; 0 = as many as there are
};

class TcpProxy {
 public:
  // Both are IPv4 addresses with a port.
  TcpProxy(const std::string& listen, std::string target);
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  void SetRule(LinkWay way, LinkRule rule);
  // Both ways.
  void Cut() { SetRules({.cut = true}); }
  // No rule any more.
  void Heal() { SetRules({}); }
  // Resets the connections of the moment, on both sides.
  void Reset();
  // Resets the next `count` connections as soon as they are made.
  void ResetNext(int count) { reset_next_ = count; }

 private:
  struct Pipe;
  using Rules = std::array<LinkRule, 2>;  // by LinkWay

  void SetRules(LinkRule rule);
  void Wake();
  void Run();
  void Accept();
  // Waits for something to do, then does what can be done.
  void Turn(const Rules& rules);

  const std::string target_;
  int listener_ = -1;
  int wake_[2] = {-1, -1};
  std::atomic<bool> stop_ = false;
  std::atomic<int> reset_next_ = 0;
  std::mutex mutex_;
  Rules rules_;                               // under mutex_
  bool reset_ = false;                        // under mutex_
  std::vector<std::unique_ptr<Pipe>> pipes_;  // the thread's
  std::thread thread_;
};

}  // namespace henge::chaos
