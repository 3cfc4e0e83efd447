// The process that gets killed: opens a real store and writes for ever, acknowledging through a pipe.
#pragma once

#include <cstdint>
#include <string>

#include "storage/store_engine.h"

namespace henge::chaos {

struct WriterOptions {
  std::string data_dir;
  uint64_t life = 0;
  uint64_t seed = 0;
  int ack_fd = 1;
  bool ack_early = false;  // the planted fault: acknowledges when it hands in, not when it is durable
};

StoreOptions KillStoreOptions(std::string data_dir);

// Returns only if the store fails.
int RunWriter(const WriterOptions& options);

}  // namespace henge::chaos
