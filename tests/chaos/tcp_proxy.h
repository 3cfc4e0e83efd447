// A link that a test cuts: passes on bytes between who dials `listen` and `target`, until it is told to swallow them.
//
// Owned by the test; a thread of its own. While cut, nothing passes and nobody is told: no byte, no end, no reset, as
// when a machine or a cable is gone. New connections seem to be taken, by the system, and hear nothing.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace henge::chaos {

class TcpProxy {
 public:
  // Both are IPv4 addresses with a port.
  TcpProxy(const std::string& listen, std::string target);
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  void Cut() { SetCut(true); }
  void Heal() { SetCut(false); }

 private:
  struct Pipe;

  void SetCut(bool cut);
  void Run();
  void Accept();

  const std::string target_;
  int listener_ = -1;
  int wake_[2] = {-1, -1};
  std::atomic<bool> cut_ = false;
  std::atomic<bool> stop_ = false;
  std::vector<std::unique_ptr<Pipe>> pipes_;  // the thread's
  std::thread thread_;
};

}  // namespace henge::chaos
