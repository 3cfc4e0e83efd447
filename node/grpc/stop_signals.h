// SIGTERM and SIGINT as a StopEvent. The second one ends the process at once.
//
// Made by the main thread before any other thread starts: those inherit the mask that keeps the signals for this one.
#pragma once

#include <thread>

#include "node/grpc/stop_event.h"

namespace henge {

class StopSignals {
 public:
  explicit StopSignals(StopEvent& event);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

 private:
  void Run();

  StopEvent& event_;
  std::thread thread_;
};

}  // namespace henge
