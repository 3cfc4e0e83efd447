// Re-reads everything, slowly and for ever: finds flipped bits, and leaves that are not those of their records.
//
// Loop-affine, owned by the shard. Partition by partition, with a pause after each; partitions that never held a record
// cost nothing. A broken record is alarmed and left out by the scan; its leaf is then computed anew, differs from the
// peers' trees, and anti-entropy brings the record from them. A leaf that can't be scanned, for a block of it is
// broken, is mended record by record from what the other owners list. A leaf is judged by two scans with a pause
// between, as a write may come in between scan and leaf; what is wrong then is computed anew by the engine, with no
// write between.
#pragma once

#include <cstdint>
#include <functional>

#include "absl/functional/any_invocable.h"
#include "core/model/merkle.h"
#include "core/runtime/environment.h"
#include "core/runtime/task.h"
#include "core/runtime/task_scope.h"
#include "node/antientropy/anti_entropy_options.h"
#include "storage/store_engine.h"

namespace henge {

class Scrub {
 public:
  // AntiEntropy::Mend.
  using MendFn = std::function<void(LeafId leaf, absl::AnyInvocable<void(bool)> done)>;
  Scrub(ScrubOptions options, AntiEntropyPlace place, ShardEnvironment environment, StoreEngine& engine, MendFn mend);
  Scrub(const Scrub&) = delete;
  Scrub& operator=(const Scrub&) = delete;

  void Start() { scope_.Spawn(Run()); }
  // Ends at the next pause.
  void Stop() { stopped_ = true; }

  const ScrubFigures& figures() const { return figures_; }

 private:
  Task<void> Run();
  Task<void> CheckPartition(PartitionId partition);
  // Whether the leaf was that of its records at some instant of the scan.
  enum class Verdict : uint8_t { kTrue, kWrong, kUnreadable };
  Task<Verdict> Judge(LeafId leaf);
  Task<void> MendLeaf(LeafId leaf);
  Task<void> Rewrite(LeafId leaf);

  const ScrubOptions options_;
  const AntiEntropyPlace place_;
  ShardEnvironment env_;
  StoreEngine& engine_;
  MendFn mend_;
  ScrubFigures figures_;
  bool stopped_ = false;
  TaskScope scope_;
};

}  // namespace henge
