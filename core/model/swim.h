// SWIM with Lifeguard (Das et al., 2002; Dadgar et al., 2018): one node's failure detector, as a pure machine.
//
// Every method takes the time and appends to SwimOutput what the driver has to do; the machine owns no clock, timer or
// connection. One loop. Equal inputs and seed, equal outputs.
//
// Invariants: at most one probe at a time; the calls under way are bounded by the members; a member is never
// forgotten: dead ones are asked again for ever, about once a second by all nodes together.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/model/ids.h"
#include "core/model/liveness.h"
#include "core/model/swim_message.h"
#include "core/model/swim_table.h"
#include "core/model/time.h"

namespace henge {

struct SwimSettings {
  Duration probe_interval = std::chrono::seconds(1);
  Duration probe_timeout = std::chrono::milliseconds(400);  // then others are asked to probe
  int indirect_probes = 3;
  Duration gossip_interval = std::chrono::milliseconds(200);  // while there are news
  int gossip_fanout = 3;
  size_t updates_max = 12;                                 // news in one message
  Duration push_pull_interval = std::chrono::seconds(30);  // of up to 16 members; with more, longer in proportion
  Duration reconnect_interval_max = std::chrono::seconds(30);
  SuspicionSettings suspicion;
  // Off: no local health, no confirmations, no answers of helpers that failed, suspects not told by their prober.
  bool lifeguard = true;
  int health_max = 8;
};

struct SwimSend {
  uint64_t id = 0;  // to be given to OnAnswer
  MemberId to;
  SwimCall call;
  Duration timeout{0};
};

struct SwimRespond {
  uint64_t token = 0;
  SwimAnswer answer;
};

enum class SwimEventKind : uint8_t { kAlive, kSuspect, kDead, kRefuted, kForged, kReachedByOthers };

struct SwimEvent {
  SwimEventKind kind;
  MemberId member;
  uint64_t incarnation = 0;  // that the member has now; of a forgery: that it was said to have
};

struct SwimOutput {
  std::vector<SwimSend> sends;
  std::vector<SwimRespond> responses;
  std::vector<SwimEvent> events;  // in order; any of the first three means that Snapshot() is another
};

struct SwimFigures {
  uint64_t probes = 0;
  uint64_t probes_failed = 0;
  uint64_t refutations = 0;
  uint64_t forged = 0;
};

class Swim {
 public:
  Swim(SwimSettings settings, MemberId self, std::string address, uint64_t seed, MonotonicTime now);

  void SetMembers(std::span<const MemberId> members);

  // Does what is due. To be called at NextWake(), or any time.
  void Tick(MonotonicTime now, SwimOutput* out);
  MonotonicTime NextWake() const;

  // A call of a peer; the answer to `token` comes in `out`, now or by a later method.
  void OnCall(MonotonicTime now, MemberId from, const SwimCall& call, uint64_t token, SwimOutput* out);
  // The answer to a SwimSend, or nullopt: none came. Once for each; an unknown id is ignored.
  void OnAnswer(MonotonicTime now, uint64_t id, const std::optional<SwimAnswer>& answer, SwimOutput* out);

  const SwimTable& table() const { return table_; }
  LivenessPtr Snapshot() const { return table_.Snapshot(); }
  int health() const { return health_; }
  const SwimFigures& figures() const { return figures_; }

 private:
  enum class Purpose : uint8_t { kProbe, kHelp, kRelay, kGossip, kPushPull, kReconnect };
  struct UnderWay {
    Purpose purpose;
    MemberId to;
    uint64_t relay_token = 0;
    uint64_t probe = 0;
  };
  struct Probe {
    uint64_t number = 0;
    MemberId target;
    MonotonicTime direct_until;
    MonotonicTime until;
    bool indirect = false;
    int helpers = 0;
    int helpers_heard = 0;
    bool answered = false;
  };

  void StartProbe(MonotonicTime now, SwimOutput* out);
  void AskHelpers(MonotonicTime now, SwimOutput* out);
  void EndProbe(MonotonicTime now, SwimOutput* out);
  void Gossip(SwimOutput* out);
  void PushPull(MemberId with, SwimOutput* out);
  void Reconnect(MonotonicTime now, SwimOutput* out);
  void Send(UnderWay call, SwimKind kind, MemberId target, Duration timeout, SwimOutput* out);
  void Absorb(MonotonicTime now, MemberId from, const std::vector<SwimUpdate>& updates, bool hearsay, SwimOutput* out);
  void Report(SwimTable::Verdict verdict, const SwimUpdate& update, SwimOutput* out);
  SwimAnswer Answer(MemberId to, const std::vector<SwimUpdate>& heard);

  std::optional<MemberId> NextTarget();
  std::vector<MemberId> Pick(size_t count, Liveness worst, MemberId except);
  void AddHealth(int points);
  Duration Scaled(Duration duration) const { return duration * (health_ + 1); }
  Duration Jittered(Duration duration);
  Duration ReconnectInterval();
  uint64_t Next64();
  template <class T>
  void Shuffle(std::vector<T>& items);

  const SwimSettings settings_;
  const MemberId self_;
  uint64_t random_;
  SwimTable table_;
  int health_ = 0;
  uint64_t next_id_ = 1;
  uint64_t probe_number_ = 0;
  std::map<uint64_t, UnderWay> under_way_;
  std::optional<Probe> probe_;
  std::vector<MemberId> round_;  // whom to probe yet, the next last
  MonotonicTime next_probe_;
  MonotonicTime next_gossip_;
  MonotonicTime next_push_pull_;
  MonotonicTime next_reconnect_;
  SwimFigures figures_;
};

}  // namespace henge
