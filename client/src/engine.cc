#include "client/src/engine.h"

#include <algorithm>
#include <utility>

namespace henge::sdk {

Engine::Engine(ClientOptions options, std::vector<std::string> endpoints)
    : options_(std::move(options)),
      loops_(MakeLoops(options_.io_threads)),
      dispatcher_(options_, *loops_.front(), random_),
      topology_(*loops_.front(), std::move(endpoints), options_.endpoints_only,
                [this](const std::string& address) { return MakeConnection(address); }) {
  dispatcher_.SetTopology(&topology_);
}

std::vector<std::unique_ptr<IoLoop>> Engine::MakeLoops(int count) {
  std::vector<std::unique_ptr<IoLoop>> loops;
  for (int i = 0; i < std::max(count, 1); ++i) loops.push_back(std::make_unique<IoLoop>());
  return loops;
}

std::shared_ptr<Connection> Engine::MakeConnection(const std::string& address) {
  IoLoop& loop = *loops_[next_loop_.fetch_add(1) % loops_.size()];
  return std::make_shared<Connection>(loop, dispatcher_, random_, address, options_);
}

absl::Status Engine::Start() {
  for (const auto& loop : loops_) loop->Start(shared_from_this());
  return topology_.Bootstrap(options_.connect_timeout);
}

void Engine::Stop() {
  dispatcher_.Close();
  topology_.Close();
  bool inside = InIoThread();
  for (const auto& loop : loops_) loop->Stop();
  for (const auto& loop : loops_) {
    if (inside)
      loop->Detach();
    else
      loop->Join();
  }
}

bool Engine::InIoThread() const {
  return std::any_of(loops_.begin(), loops_.end(), [](const auto& loop) { return loop->InLoop(); });
}

}  // namespace henge::sdk
