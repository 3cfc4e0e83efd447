// One keeper of hints over a store in memory, on a node that owns none of what it keeps.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/model/slot.h"
#include "node/hints/hint_delivery.h"
#include "node/hints/hint_keeper.h"
#include "node/hints/hint_marks.h"
#include "tests/unit/node/fake_hint_store.h"
#include "tests/unit/node/fake_store_engine.h"
#include "tests/unit/node/replica_rig.h"

namespace henge::node_test {

// The ring with a change made to its state.
template <class Change>
RingPtr Changed(const RingPtr& ring, Change change) {
  ClusterState state = ring->state();
  change(&state);
  return std::make_shared<const Ring>(std::move(state));
}

class HintRig {
 public:
  explicit HintRig(uint64_t bytes_max = uint64_t{1} << 20) : ring(MakeRing(5)), bytes_max_(bytes_max) {
    key = KeyWith([this](PartitionId p) { return !ring->IsOwner(p, MemberId(1)); });
    const auto owners = ring->Owners(key.partition);
    target = owners[0];
    other = owners[1];
    Restart();
  }

  // A new process on the same store.
  void Restart() {
    marks.reset();
    delivery.reset();
    keeper.reset();
    store.TakeCensus();
    keeper = std::make_unique<HintKeeper>(
        HintKeeperOptions{.self = MemberId(1), .store = StoreId(77), .bytes_max = bytes_max_}, environment(), store,
        stamps, ring);
  }
  void StartDelivery(BackgroundBudgetOptions options = {}) {
    budget = std::make_unique<BackgroundBudget>(options);
    HintDeliveryOptions settings;
    settings.self = MemberId(1);
    settings.page_items = 4;
    delivery = std::make_unique<HintDelivery>(settings, environment(), *keeper, local, *budget, ring);
    keeper->OnKept([this](MemberId member) { delivery->Consider(member); });
  }
  void StartMarks() {
    if (budget == nullptr) budget = std::make_unique<BackgroundBudget>();
    HintMarksOptions settings;
    settings.self = MemberId(1);
    settings.bytes_max = bytes_max_;
    settings.page_items = 4;
    marks = std::make_unique<HintMarks>(settings, environment(), keeper->shelf(), local, engine, *budget, ring);
    keeper->OnKept([this](MemberId) { marks->Consider(); });
    keeper->OnFull([this] { marks->Relieve(); });
  }
  ShardEnvironment environment() { return {clock, loop, random, transport, tracer}; }

  template <class Wanted>
  RecordKey KeyWith(Wanted wanted, int from = 0) const {
    for (int i = from;; ++i) {
      RecordKey found = Key("k" + std::to_string(i));
      if (wanted(found.partition)) return found;
    }
  }

  HintRequest HintOf(const Object& object, std::optional<RecordKey> at = std::nullopt,
                     std::optional<MemberId> for_whom = std::nullopt) const {
    RecordKey where = at.value_or(key);
    const LayoutEpoch epoch = ring->Epoch(where.partition);
    return {.key = std::move(where),
            .epoch = epoch,
            .target = for_whom.value_or(target),
            .object = object.Encode(),
            .needed = 2};
  }
  using Answer = std::shared_ptr<std::optional<absl::StatusOr<HintReply>>>;
  Answer Store(HintRequest request) {
    auto answer = std::make_shared<std::optional<absl::StatusOr<HintReply>>>();
    keeper->Store(std::move(request), [answer](absl::StatusOr<HintReply> reply) { answer->emplace(std::move(reply)); });
    return answer;
  }
  absl::Status StoreNow(HintRequest request) {
    Answer answer = Store(std::move(request));
    loop.Run();
    return answer->has_value() ? (*answer)->status() : absl::UnknownError("not answered");
  }
  std::shared_ptr<MintTrace> Mint(std::string value, Context context = {}, OpId op_id = {},
                                  std::optional<MemberId> for_whom = std::nullopt) {
    auto trace = std::make_shared<MintTrace>();
    MintCommand command{.key = key,
                        .context = std::move(context),
                        .mutation = {.value = value, .op_id = op_id, .request_hash = std::hash<std::string>()(value)},
                        .deadline = clock.now + std::chrono::seconds(5)};
    keeper->Mint(
        std::move(command), for_whom.value_or(target), 2,
        [trace](absl::StatusOr<MintResult> result) { trace->minted = std::move(result); },
        [trace](absl::Status status) { trace->durable = std::move(status); });
    return trace;
  }
  // The durable hint; empty if there is none.
  Object Durable(std::optional<MemberId> for_whom = std::nullopt) const {
    auto at = store.hints.find({for_whom.value_or(target), key});
    return at == store.hints.end() ? Object() : *Object::Decode(at->second.object);
  }
  LivenessPtr LivenessWith(const std::vector<MemberId>& dead) const {
    std::vector<LivenessSnapshot::Entry> entries;
    for (const Member& member : ring->state().members) {
      const bool is_dead = std::find(dead.begin(), dead.end(), member.id) != dead.end();
      entries.push_back({member.id, is_dead ? Liveness::kDead : Liveness::kAlive, 1});
    }
    return std::make_shared<const LivenessSnapshot>(std::move(entries));
  }
  void Live(const std::vector<MemberId>& dead) { delivery->UpdateLiveness(LivenessWith(dead)); }

  ManualClock clock;
  ManualLoop loop{clock};
  CountingRandom random{42};
  RecordingTracer tracer;
  FakeTransport transport{loop};
  FakeStoreEngine engine{loop, StoreId(77)};
  FakeHintStore store{loop};
  StampSource stamps{{}, engine, loop};
  coordinator_test::FakeLocalReplica local{loop, clock};
  RingPtr ring;
  RecordKey key;    // of a partition that member 1 doesn't own
  MemberId target;  // an owner of it
  MemberId other;   // another one
  std::unique_ptr<HintKeeper> keeper;
  std::unique_ptr<BackgroundBudget> budget;
  std::unique_ptr<HintDelivery> delivery;
  std::unique_ptr<HintMarks> marks;

 private:
  const uint64_t bytes_max_;
};

}  // namespace henge::node_test
