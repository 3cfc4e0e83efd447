// Mends a record that this node can't read any more, from the copies of all other owners (P35).
//
// Loop-affine; owned by the replica. One mend per key at a time, a bounded number of keys; a failed one is begun again
// by the next use of the record, after a pause. Until it is mended the record stays an error: never absent, and no base
// of a merge.
//
// All other owners must answer, down ones included: with one of them missing, a version that only it and the broken
// copy hold would seem never to have been written.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/model/ring.h"
#include "core/runtime/environment.h"
#include "core/runtime/messages.h"
#include "storage/replica_store.h"

namespace henge {

class RecordRepair {
 public:
  struct Figures {
    uint64_t begun = 0;
    uint64_t mended = 0;
  };

  RecordRepair(MemberId self, ShardEnvironment environment, ReplicaStore& store);
  ~RecordRepair();
  RecordRepair(const RecordRepair&) = delete;
  RecordRepair& operator=(const RecordRepair&) = delete;

  // `key` was found broken (DATA_LOSS): begins to mend it, unless that is under way or failed a moment ago.
  void Begin(const RecordKey& key, const RingPtr& ring);

  const Figures& figures() const { return figures_; }

 private:
  struct Mend {
    RingPtr ring;
    int missing = 0;  // owners that have not answered
    bool failed = false;
    bool found = false;
    Object object;  // the merge of the answers
  };

  void OnAnswer(const RecordKey& key, absl::StatusOr<PeerReply> reply);
  void Finish(const RecordKey& key);
  void Write(const RecordKey& key, Object object);
  void End(const RecordKey& key, const char* event, const absl::Status& status);

  const MemberId self_;
  ShardEnvironment env_;
  ReplicaStore& store_;
  std::map<RecordKey, std::shared_ptr<Mend>> under_way_;
  std::map<RecordKey, MonotonicTime> not_before_;  // of those that failed
  Figures figures_;
  std::shared_ptr<bool> alive_;  // answers that come after the end find it gone
};

}  // namespace henge
