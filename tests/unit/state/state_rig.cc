#include "tests/unit/state/state_rig.h"

#include <gtest/gtest.h>

#include <utility>

namespace henge::state_test {

class StateRig::Net final : public Transport {
 public:
  Net(StateRig& rig, int self) : rig_(rig), self_(self) {}

  void Call(MemberId to, PeerRequest request, MonotonicTime, Callback done) override {
    const int target = static_cast<int>(to.value());
    rig_.loop_.Post([this, target, request = std::move(request), done = std::move(done)]() mutable {
      const auto node = rig_.nodes_.find(target);
      if (node == rig_.nodes_.end() || rig_.cut_.contains(target) || rig_.cut_.contains(self_)) {
        return done(absl::UnavailableError("not connected"));
      }
      auto& control = std::get<ControlRequest>(request);
      const auto call = StateCall::Decode(control.body);
      if (rig_.lose && call.ok() && rig_.lose(self_, target, control.kind, *call)) {
        return done(absl::UnavailableError("lost"));
      }
      StateKeeper& keeper = *node->second->keeper;
      ControlService& service = control.kind == ControlKind::kRecover ? keeper.recovery_service() : keeper;
      service.Serve(MemberId(static_cast<uint32_t>(self_)), std::move(control.body), {},
                    [done = std::move(done)](absl::StatusOr<std::string> body) mutable {
                      if (body.ok()) return done(PeerReply(ControlReply{*std::move(body)}));
                      done(body.status());
                    });
    });
  }

 private:
  StateRig& rig_;
  const int self_;
};

StateRig::StateRig(int members) {
  std::vector<InitialMember> list;
  for (int i = 1; i <= members; ++i) list.push_back({.name = "n" + std::to_string(i)});
  initial_ = *MakeInitialState("t", 3, std::move(list));
  for (int i = 1; i <= members; ++i) {
    engines_[i] = std::make_unique<node_test::FakeStoreEngine>(loop_, StoreId(++next_store_));
  }
}

StateRig::~StateRig() = default;

void StateRig::Start(int i, bool begin) {
  const MemberId self(static_cast<uint32_t>(i));
  auto stored = LoadState(*engines_[i], initial_, self);
  ASSERT_TRUE(stored.ok()) << stored.status();
  auto node = std::make_unique<Node>();
  node->net = std::make_unique<Net>(*this, i);
  const ShardEnvironment home{clock_, loop_, random_, *node->net, tracer_};
  StateKeeperHooks hooks;
  hooks.on_rebound = on_rebound;
  hooks.on_given_up = [this, i](MemberId, const std::string& why) { given_up[i] = why; };
  hooks.recovery.on_recovered = [this, i] { to_restart.insert(i); };
  hooks.recovery.on_gained = [this, i](const std::vector<PartitionId>& partitions, Closure noted) {
    gained[i] = partitions;
    if (note_gained) noted();
  };
  node->keeper = std::make_unique<StateKeeper>(self, home, *engines_[i], *std::move(stored), std::move(hooks));
  if (begin) node->keeper->Begin();
  nodes_[i] = std::move(node);
  loop_.Run();
}

void StateRig::StartAll() {
  for (const auto& [i, engine] : engines_) Start(i);
}

StateRig::Recovered StateRig::BeginRecover(int i, bool force, std::vector<std::string> survivors, Duration budget) {
  auto result = std::make_shared<std::optional<absl::StatusOr<RecoverResult>>>();
  keeper(i).Recover({std::move(survivors), force}, budget,
                    [result](absl::StatusOr<RecoverResult> end) { *result = std::move(end); });
  return result;
}

absl::StatusOr<RecoverResult> StateRig::Recover(int i, bool force, std::vector<std::string> survivors,
                                                Duration budget) {
  const Recovered result = BeginRecover(i, force, std::move(survivors), budget);
  for (int turn = 0; turn < 400 && !result->has_value(); ++turn) Pass(std::chrono::milliseconds(50));
  return result->value_or(absl::InternalError("no end"));
}

void StateRig::Stop(int i) { nodes_.erase(i); }

void StateRig::Wipe(int i) {
  engines_[i] = std::make_unique<node_test::FakeStoreEngine>(loop_, StoreId(++next_store_));
}

std::shared_ptr<std::optional<absl::StatusOr<StateVersion>>> StateRig::Propose(int i, StateChange change,
                                                                               Duration budget) {
  auto result = std::make_shared<std::optional<absl::StatusOr<StateVersion>>>();
  keeper(i).Propose(std::move(change), budget,
                    [result](absl::StatusOr<StateVersion> version) { *result = std::move(version); });
  return result;
}

absl::StatusOr<StateVersion> StateRig::Change(int i, StateChange change, Duration budget) {
  const auto result = Propose(i, std::move(change), budget);
  for (int turn = 0; turn < 400 && !result->has_value(); ++turn) Pass(std::chrono::milliseconds(50));
  return result->value_or(absl::InternalError("no end"));
}

absl::Status StateRig::AskBytes(int i, int from, std::string body) {
  absl::Status result = absl::UnknownError("no answer");
  keeper(i).Serve(MemberId(static_cast<uint32_t>(from)), std::move(body), {},
                  [&result](const absl::StatusOr<std::string>& answer) { result = answer.status(); });
  loop_.Run();
  return result;
}

absl::StatusOr<StateAnswer> StateRig::Ask(int i, int from, const StateCall& call) {
  absl::StatusOr<StateAnswer> result = absl::UnknownError("no answer");
  keeper(i).Serve(MemberId(static_cast<uint32_t>(from)), call.Encode(), {},
                  [&result](const absl::StatusOr<std::string>& answer) {
                    result = answer.ok() ? StateAnswer::Decode(*answer) : absl::StatusOr<StateAnswer>(answer.status());
                  });
  loop_.Run();
  return result;
}

absl::StatusOr<SurvivorAnswer> StateRig::AskRecovery(int i, int from, const StateCall& call) {
  auto result = std::make_shared<absl::StatusOr<SurvivorAnswer>>(absl::UnknownError("no answer"));
  keeper(i).recovery_service().Serve(MemberId(static_cast<uint32_t>(from)), call.Encode(), {},
                                     [result](const absl::StatusOr<std::string>& answer) {
                                       if (answer.ok()) {
                                         *result = SurvivorAnswer::Decode(*answer);
                                       } else {
                                         *result = answer.status();
                                       }
                                     });
  loop_.Run();
  return *result;
}

StateChange Create(const std::string& bucket) {
  return [bucket](const ClusterState& state) { return CreateBucket(state, bucket, ConflictPolicy::kSiblings, {}); };
}

}  // namespace henge::state_test
