#include "tests/unit/node/replica_rig.h"

namespace henge::node_test {

ReplicaRig::ReplicaRig(int members) : ring(MakeRing(members)) { Restart(); }

void ReplicaRig::Restart() {
  ShardEnvironment environment{clock, loop, random, transport, tracer};
  replica.reset();
  replica = std::make_unique<Replica>(MemberId(1), environment, engine, ring);
}

std::shared_ptr<MintTrace> ReplicaRig::Mint(std::string value, Context context, OpId op_id, bool again) {
  auto trace = std::make_shared<MintTrace>();
  const uint64_t request_hash = std::hash<std::string>()(value);
  MintCommand command{.key = Key("k"),
                      .context = std::move(context),
                      .mutation = {.value = std::move(value), .op_id = op_id, .request_hash = request_hash},
                      .deadline = clock.now + std::chrono::seconds(5),
                      .again = again};
  replica->Mint(
      std::move(command), [trace](absl::StatusOr<MintResult> result) { trace->minted = std::move(result); },
      [trace](absl::Status status) { trace->durable = std::move(status); });
  return trace;
}

MergeRequest ReplicaRig::MergeOf(const Object& object, std::optional<Actor> minter) const {
  const RecordKey key = Key("k");
  return {.key = key, .epoch = ring->Epoch(key.partition), .object = object.Encode(), .minter = minter};
}

std::shared_ptr<std::optional<absl::StatusOr<MergeReply>>> ReplicaRig::Merge(const Object& object,
                                                                             std::optional<Actor> minter) {
  auto answer = std::make_shared<std::optional<absl::StatusOr<MergeReply>>>();
  replica->Merge(MergeOf(object, minter),
                 [answer](absl::StatusOr<MergeReply> reply) { answer->emplace(std::move(reply)); });
  return answer;
}

std::shared_ptr<std::optional<absl::StatusOr<PeerReply>>> ReplicaRig::Peer(PeerRequest request) {
  auto answer = std::make_shared<std::optional<absl::StatusOr<PeerReply>>>();
  replica->HandlePeer(MemberId(2), std::move(request), clock.now + std::chrono::seconds(5),
                      [answer](absl::StatusOr<PeerReply> reply) { answer->emplace(std::move(reply)); });
  loop.Run();
  return answer;
}

Object ReplicaRig::Durable() const {
  auto record = engine.records.find(Key("k"));
  return record == engine.records.end() ? Object() : *Object::Decode(record->second.object);
}

}  // namespace henge::node_test
