// Owns detached tasks: nothing runs that nobody would wait for at the end.
//
// Loop-affine. After Close() no new task is taken. The owner may drop the scope only when it is idle, or when no event
// can reach the loop any more (a simulated crash): the remaining frames are then destroyed where they stand, the
// youngest first.
#pragma once

#include <coroutine>
#include <cstddef>

#include "core/runtime/executor.h"
#include "core/runtime/task.h"

namespace henge {

class TaskScope {
 public:
  TaskScope() = default;
  TaskScope(const TaskScope&) = delete;
  TaskScope& operator=(const TaskScope&) = delete;
  ~TaskScope();

  // Starts `task` at once and owns it until it ends. Returns false (and drops the task unstarted) after Close().
  bool Spawn(Task<void> task);

  // Takes no new task; `on_idle` runs (inline if idle already) when the last one has ended. Once.
  void Close(Closure on_idle);

  size_t running() const { return running_; }

 private:
  struct Driver;
  // The drivers' frames hold the list that they stand on: spawning allocates nothing but the frames.
  struct Link {
    Link* newer = nullptr;
    Link* older = nullptr;
  };

  void Insert(Link* link);
  void Remove(Link* link);

  Link* youngest_ = nullptr;
  size_t running_ = 0;
  bool closed_ = false;
  Closure on_idle_;
};

}  // namespace henge
