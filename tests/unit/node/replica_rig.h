// One replica over a store in memory.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "node/replica.h"
#include "tests/unit/node/fake_store_engine.h"

namespace henge::node_test {

using coordinator_test::CountingRandom;
using coordinator_test::FakeTransport;
using coordinator_test::MakeDot;
using coordinator_test::MakeObject;
using coordinator_test::MakeRing;
using coordinator_test::ManualClock;
using coordinator_test::ManualLoop;
using coordinator_test::RecordingTracer;

// What became of one mint.
struct MintTrace {
  std::optional<absl::StatusOr<MintResult>> minted;
  std::optional<absl::Status> durable;

  bool ok() const { return minted.has_value() && minted->ok(); }
  const MintResult& result() const { return **minted; }
};

class ReplicaRig {
 public:
  explicit ReplicaRig(int members = 3);

  // A mint without running the loop.
  std::shared_ptr<MintTrace> Mint(std::string value, Context context = {}, OpId op_id = {}, bool again = false);
  std::shared_ptr<std::optional<absl::StatusOr<MergeReply>>> Merge(const Object& object,
                                                                   std::optional<Actor> minter = std::nullopt);
  std::shared_ptr<std::optional<absl::StatusOr<PeerReply>>> Peer(PeerRequest request);
  MergeRequest MergeOf(const Object& object, std::optional<Actor> minter = std::nullopt) const;
  // The durable record of "k"; empty if there is none.
  Object Durable() const;
  // A restart on the same store: a new replica, what was not durable is gone.
  void Restart();

  ManualClock clock;
  ManualLoop loop{clock};
  CountingRandom random{42};
  RecordingTracer tracer;
  FakeTransport transport{loop};
  FakeStoreEngine engine{loop, StoreId(77)};
  RingPtr ring;
  std::unique_ptr<Replica> replica;
};

}  // namespace henge::node_test
