// The life of the henged process, from checked settings to its exit status.
#pragma once

#include "node/config/node_config.h"

namespace henge {

// Serves until SIGTERM, SIGINT or a failure of the store. 0: ended as asked; 1: could not start, or failed. Call it
// before any other thread is started.
int RunNode(const NodeConfig& config);

}  // namespace henge
