#include "node/node.h"

#include <algorithm>
#include <utility>

#include "core/model/slot.h"
#include "core/runtime/check.h"
#include "core/runtime/status_macros.h"
#include "node/identity.h"
#include "node/replica_caller.h"
#include "node/stamp_reserve.h"
#include "node/wire/peer_codec.h"

namespace henge {
namespace {

constexpr Duration kRestInterval = std::chrono::seconds(10);
// Longer than the pause between two questions to a peer that refuses.
constexpr Duration kGivenUpHolds = std::chrono::seconds(60);

}  // namespace

// Takes a call from the control loop to the loop of its partition, and the answer back.
class Node::Router : public ReplicaCaller {
 public:
  explicit Router(Node& node) : node_(node) {}

  void Call(MemberId member, PeerRequest request, MonotonicTime deadline, Transport::Callback done) override {
    const int index = node_.ShardOfPartition(PartitionOfRequest(request));
    Transport::Callback back = [&control = node_.control(),
                                done = std::move(done)](absl::StatusOr<PeerReply> reply) mutable {
      control.Post([done = std::move(done), reply = std::move(reply)]() mutable { done(std::move(reply)); });
    };
    node_.executor(index).Post(
        [this, index, member, deadline, request = std::move(request), back = std::move(back)]() mutable {
          if (member == node_.self()) {
            node_.shard(index).Handle(member, std::move(request), deadline, std::move(back));
          } else {
            node_.environment_.shards[index].transport.Call(member, std::move(request), deadline, std::move(back));
          }
        });
  }

 private:
  Node& node_;
};

Node::Node(NodeOptions options, NodeEnvironment environment)
    : options_([&options] {
        options.coordinator.self = options.self;
        return std::move(options);
      }()),
      environment_(std::move(environment)) {
  HENGE_CHECK(!environment_.shards.empty());
}

Node::~Node() = default;

absl::Status Node::Start() {
  HENGE_RETURN_IF_ERROR(ClaimStore(environment_.engine, options_.state, options_.self));
  HENGE_RETURN_IF_ERROR(environment_.engine.OpenTrees(options_.state.origin()));
  const int64_t wall_ms = environment_.shards[0].clock.WallNow().time_since_epoch().count();
  HENGE_ASSIGN_OR_RETURN(const uint64_t stamp_floor,
                         ReadStampFloor(environment_.engine, wall_ms, environment_.shards[0].tracer));
  const ShardEnvironment& home = environment_.shards[0];
  HENGE_ASSIGN_OR_RETURN(StoredState stored, LoadState(environment_.engine, options_.state, self()));
  keeper_ = std::make_unique<StateKeeper>(self(), home, environment_.engine, std::move(stored), KeeperHooks());
  const RingPtr ring = keeper_->ring();
  ring_.store(ring, std::memory_order_release);
  HENGE_ASSIGN_OR_RETURN(const std::set<PartitionId> recovering, RecoveryNote::Load(environment_.engine));
  recovery_note_ = std::make_unique<RecoveryNote>(environment_.engine, control(), recovering);
  for (const ShardEnvironment& shard : environment_.shards) {
    const StampStart stamps{.shard = static_cast<int>(shards_.size()), .floor = stamp_floor};
    ShardHints hints{.store = environment_.hints,
                     .bytes_max = options_.hint_bytes_max / environment_.shards.size(),
                     .shards = shard_count(),
                     .budget = options_.hint_budget};
    hints.budget.bytes_per_second_max =
        std::max<uint64_t>(1, hints.budget.bytes_per_second_max / environment_.shards.size());
    EntropyStart entropy = EntropyOfShard(stamps.shard, recovering);
    shards_.push_back(std::make_unique<Shard>(options_.coordinator, shard, environment_.engine, ring, stamps,
                                              options_.record_cache_bytes / environment_.shards.size(), hints,
                                              std::move(entropy)));
  }
  control_plane_.Register(ControlKind::kState, *keeper_);
  control_plane_.Register(ControlKind::kRecover, keeper_->recovery_service());
  leaves_ = std::make_unique<LeafService>(self(), home, environment_.engine, ring);
  control_plane_.Register(ControlKind::kLeaves, *leaves_);
  shards_[0]->ServeControl(&control_plane_);
  router_ = std::make_unique<Router>(*this);
  scans_ = std::make_unique<ScanCoordinator>(options_.scan, options_.self, home.clock, *router_, ring);
  explainer_ = std::make_unique<Explainer>(options_.self, home.clock, *router_, ring);
  for (int i = 0; i < shard_count(); ++i) {
    executor(i).Post([this, i] { shards_[i]->StartAntiEntropy(); });
  }
  ShareVerdicts();
  control().Post([this, ring] {
    if (options_.on_state) options_.on_state(ring);
    keeper_->Begin();
  });
  StartGossip();
  RestLater();
  return absl::OkStatus();
}

StateKeeperHooks Node::KeeperHooks() {
  StateKeeperHooks hooks;
  hooks.adopted = [this](const RingPtr&, const RingPtr& now) { Adopt(now); };
  hooks.on_rebound = [this](Closure ready) { OnRebound(std::move(ready)); };
  hooks.on_given_up = [this](MemberId by, std::string why) { NoteGivenUp(by, std::move(why)); };
  hooks.recovery.on_recovered = options_.on_recovered;
  // For the next start: what runs goes by the ring that it has, in which this node doesn't own them.
  hooks.recovery.on_gained = [this](const std::vector<PartitionId>& gained, Closure noted) {
    recovery_note_->Lost(gained);
    recovery_note_->WhenWritten(std::move(noted));
  };
  return hooks;
}

// The timer's closure is dropped with its loop, which ends before the node does.
void Node::RestLater() {
  control().RunAt(environment_.shards[0].clock.Now() + kRestInterval, [this] {
    environment_.engine.RestIfIdle();
    RestLater();
  });
}

void Node::StartGossip() {
  auto tell_shards = [this](const LivenessPtr& liveness) {
    for (int i = 0; i < shard_count(); ++i) {
      executor(i).Post([this, i, liveness] { shards_[i]->UpdateLiveness(liveness); });
    }
  };
  gossip_ =
      std::make_unique<Gossip>(options_.gossip, options_.self, environment_.shards[0], ring(), std::move(tell_shards));
  gossip_->OnState(
      [this](MemberId peer, StateVersion version, uint64_t digest) { keeper_->OnPeerState(peer, version, digest); });
  gossip_->OnStranger([this](MemberId from, ClusterId cluster, const std::string& given_up) {
    if (!given_up.empty()) return NoteGivenUp(from, given_up);
    MeetForeign(cluster);
  });
  control_plane_.Register(ControlKind::kGossip, *gossip_);
  control().Post([this] { gossip_->Start(); });
}

EntropyStart Node::EntropyOfShard(int shard, const std::set<PartitionId>& recovering) {
  EntropyStart start{.options = options_.anti_entropy,
                     .scrub = options_.scrub,
                     .shards = static_cast<uint32_t>(shard_count()),
                     .shard = static_cast<uint32_t>(shard),
                     .recovering = recovering};
  start.whole = [this](std::vector<PartitionId> partitions) {
    control().Post([this, partitions = std::move(partitions)] { recovery_note_->Whole(partitions); });
  };
  start.lost = [this](std::vector<PartitionId> partitions) {
    control().Post([this, partitions = std::move(partitions)] { recovery_note_->Lost(partitions); });
  };
  return start;
}

// By way of the control loop, so that all shards hear all verdicts in one order, and end up alike.
void Node::ShareVerdicts() {
  if (shard_count() == 1) return;
  for (const std::unique_ptr<Shard>& shard : shards_) {
    shard->coordinator().OnVerdict([this](MemberId member, bool disqualified) {
      control().Post([this, member, disqualified] {
        for (int i = 0; i < shard_count(); ++i) {
          executor(i).Post(
              [this, i, member, disqualified] { shards_[i]->coordinator().HearVerdict(member, disqualified); });
        }
      });
    });
  }
}

void Node::Submit(ClientRequest request, Coordinator::ReplyFn reply) {
  const int index = ShardOfPartition(PartitionOf(request.key));
  if (given_up()) {
    return executor(index).Post([reply = std::move(reply)]() mutable {
      ClientReply refused;
      refused.status = absl::UnavailableError(
          "this node was given up when an operator recovered the cluster without it: use one of those that survived");
      refused.outcome = Outcome::kNotApplied;
      reply(std::move(refused));
    });
  }
  executor(index).Post([this, index, request = std::move(request), reply = std::move(reply)]() mutable {
    shards_[index]->HandleClient(std::move(request), std::move(reply));
  });
}

void Node::HandlePeer(MemberId from, PeerRequest request, MonotonicTime deadline, PeerHandler::ReplyFn reply) {
  const int index = ShardOfPartition(PartitionOfRequest(request));
  executor(index).Post([this, index, from, deadline, request = std::move(request), reply = std::move(reply)]() mutable {
    shards_[index]->Handle(from, std::move(request), deadline, std::move(reply));
  });
}

void Node::Scan(ScanQuery query, ScanCoordinator::Done done) {
  control().Post([this, query = std::move(query), done = std::move(done)]() mutable {
    scans_->Run(std::move(query), std::move(done));
  });
}

void Node::Explain(ExplainQuery query, Explainer::Done done) {
  control().Post([this, query = std::move(query), done = std::move(done)]() mutable {
    explainer_->Run(std::move(query), std::move(done));
  });
}

void Node::ChangeState(StateChange change, Duration budget, StateProposer::Done done) {
  control().Post([this, budget, change = std::move(change), done = std::move(done)]() mutable {
    keeper_->Propose(std::move(change), budget, std::move(done));
  });
}

void Node::BindWithout(std::vector<std::string> names, Duration budget, StateProposer::Done done) {
  control().Post([this, budget, names = std::move(names), done = std::move(done)]() mutable {
    keeper_->BindWithout(names, budget, std::move(done));
  });
}

void Node::Recover(RecoverOrder order, Duration budget, RecoveryDriver::Done done) {
  control().Post([this, budget, order = std::move(order), done = std::move(done)]() mutable {
    keeper_->Recover(std::move(order), budget, std::move(done));
  });
}

void Node::MeetForeign(ClusterId cluster) {
  control().Post([this, cluster] { keeper_->OnForeignCluster(cluster); });
}

void Node::NoteGivenUp(MemberId by, std::string why) {
  const MonotonicTime now = environment_.shards[0].clock.Now();
  const bool news = given_up_until_.exchange(now + kGivenUpHolds) < now;
  if (!news) return;
  control().Post([this, by, why = std::move(why)] {
    environment_.shards[0].tracer.Event(Severity::kAlarm, "GivenUp", {{"peer", uint64_t{by.value()}}, {"why", why}});
  });
}

bool Node::given_up() const {
  const MonotonicTime until = given_up_until_.load(std::memory_order_relaxed);
  return until != MonotonicTime{} && environment_.shards[0].clock.Now() < until;
}

// P15: what the member's other store held is not here. Noted before this store asks to stand in its place.
void Node::OnRebound(Closure ready) {
  const RingPtr ring = this->ring();
  std::vector<PartitionId> owned;
  for (int p = 0; p < kPartitionCount; ++p) {
    const PartitionId partition(static_cast<uint16_t>(p));
    if (ring->IsOwner(partition, self())) owned.push_back(partition);
  }
  recovery_note_->Lost(owned);
  for (int i = 0; i < shard_count(); ++i) {
    executor(i).Post([this, i, owned] { shards_[i]->MarkRecovering(owned); });
  }
  recovery_note_->WhenWritten(std::move(ready));
}

void Node::Adopt(const RingPtr& ring) {
  ring_.store(ring, std::memory_order_release);
  for (int i = 0; i < shard_count(); ++i) {
    executor(i).Post([this, i, ring] { shards_[i]->UpdateRing(ring); });
  }
  scans_->UpdateRing(ring);
  explainer_->UpdateRing(ring);
  gossip_->UpdateRing(ring);
  leaves_->UpdateRing(ring);
  if (options_.on_state) options_.on_state(ring);
}

void Node::CollectFigures(absl::AnyInvocable<void(NodeFigures)> done) {
  struct Gathering {
    NodeFigures sum;
    int missing;
    absl::AnyInvocable<void(NodeFigures)> done;
  };
  // Filled on the control loop only.
  auto gathering = std::make_shared<Gathering>();
  gathering->missing = shard_count();
  gathering->done = std::move(done);
  for (int i = 0; i < shard_count(); ++i) {
    executor(i).Post([this, i, gathering] {
      control().Post([this, gathering, coordinator = shards_[i]->coordinator().figures(),
                      replica = shards_[i]->replica().figures(), hints = shards_[i]->hint_figures(),
                      entropy = shards_[i]->anti_entropy().figures(), scrub = shards_[i]->scrub().figures(),
                      peers = shards_[i]->anti_entropy().PeerFigures()] {
        AddTo(&gathering->sum, coordinator);
        AddTo(&gathering->sum, replica);
        AddTo(&gathering->sum, hints);
        AddTo(&gathering->sum, entropy);
        AddTo(&gathering->sum, scrub);
        AddTo(&gathering->sum, peers);
        if (--gathering->missing > 0) return;
        NodeFigures& sum = gathering->sum;
        sum.store = environment_.engine.figures();
        sum.disk = environment_.engine.disk_class();
        sum.store_health = environment_.engine.health();
        if (environment_.hints != nullptr) sum.store_health.Update(environment_.hints->health());
        sum.store_id = environment_.engine.store_id();
        const RingPtr now = ring();
        for (int p = 0; p < kPartitionCount; ++p) {
          sum.owned_partitions += now->IsOwner(PartitionId(static_cast<uint16_t>(p)), self()) ? 1 : 0;
        }
        sum.entropy.refused += leaves_->refused();
        sum.gossip = gossip_->figures();
        sum.liveness = gossip_->liveness();
        gathering->done(std::move(sum));
      });
    });
  }
}

void Node::Drain(Closure idle) {
  struct Draining {
    int missing;
    Closure idle;
  };
  // Counted down on the control loop only.
  auto draining = std::make_shared<Draining>();
  draining->missing = shard_count() + 2;
  draining->idle = std::move(idle);
  auto one_done = [this, draining] {
    control().Post([draining] {
      if (--draining->missing == 0) draining->idle();
    });
  };
  for (int i = 0; i < shard_count(); ++i) {
    executor(i).Post([this, i, one_done] { shards_[i]->Drain(one_done); });
  }
  control().Post([this, one_done] {
    gossip_->Stop();
    scans_->Drain(one_done);
    keeper_->Drain(one_done);
  });
}

}  // namespace henge
