#include "tests/sim/provocations.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/model/limits.h"
#include "core/model/object_builder.h"
#include "core/model/slot.h"

namespace henge::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kClient = 95;
constexpr size_t kExpiringKeys = 2;
constexpr int kReadsOfExpiring = 12;
constexpr Duration kPatience = seconds(2);
constexpr Duration kUntilWritten = milliseconds(400);
constexpr Duration kUntilDeleted = milliseconds(1500);

}  // namespace

ProvocationOptions ProvocationOptions::Of(const WorldOptions& options) {
  SimRandom random = SimRandom(options.seed).Split("provocations");
  ProvocationOptions p;
  p.blackout = random.Chance(0.08) && options.faults.crashes;
  p.clock = random.Chance(0.9) && options.faults.clock_jumps;
  p.expiring = random.Chance(0.25);
  p.strange_trees = random.Chance(0.05);
  p.drift = random.Chance(0.03);
  p.late_news = random.Chance(0.15);
  return p;
}

ScrubOptions ProvocationOptions::Scrub() const {
  ScrubOptions scrub;
  if (!drift) return scrub;
  scrub.pause = milliseconds(200);
  scrub.pause_between_passes = milliseconds(200);
  return scrub;
}

Provocations::Provocations(const WorldOptions& options, ProvocationPlace place, std::string key)
    : options_(options),
      what_(ProvocationOptions::Of(options)),
      place_(std::move(place)),
      key_(std::move(key)),
      random_(SimRandom(options.seed).Split("provoke")),
      tracer_(place_.scheduler, "world", place_.serious),
      client_(place_.scheduler, place_.network, ClientHost(kClient)) {
  tracer_.ShowLines(place_.show);
}

void Provocations::Start() {
  ends_at_ = place_.scheduler.now() + options_.duration;
  if (what_.blackout) At(options_.duration, [this] { Blackout(); });
  if (what_.clock) AwaitHints();
  if (what_.strange_trees) At(options_.duration, [this] { AskStrangely(); });
  if (what_.drift) At(options_.duration / 2, [this] { Drift(); });
  if (what_.late_news) At(options_.duration / 2, [this] { LateNews(); });
  if (!what_.expiring) return;
  expiring_.resize(kExpiringKeys);
  for (size_t i = 0; i < kExpiringKeys; ++i) {
    expiring_[i].key = absl::StrCat("expiring-", options_.seed % 97, "-", i);
    At(options_.duration / 2, [this, i] { PutLasting(i); });
    for (int read = 0; read < kReadsOfExpiring; ++read) {
      At(options_.duration, [this, i] { ReadExpiring(i); });
    }
  }
}

std::vector<std::string> Provocations::Keys() const {
  std::vector<std::string> keys;
  if (!late_.key.empty()) keys.push_back(late_.key);
  for (const Fleeting& expiring : expiring_) keys.push_back(expiring.key);
  return keys;
}

void Provocations::Blackout() {
  tracer_.Event(Severity::kInfo, "Blackout", {});
  for (size_t i = 0; i < place_.nodes.size(); ++i) {
    if (!place_.nodes[i]->running()) continue;
    place_.nodes[i]->PowerLoss();
    place_.restart_later(i);
  }
}

void Provocations::AwaitHints() {
  if (place_.scheduler.now() > ends_at_) return;
  for (auto& node : place_.nodes) {
    if (!node->running() || node->hint_figures().hints == 0) continue;
    node->JumpClock(std::chrono::hours(10));
    return;
  }
  place_.scheduler.After(milliseconds(20), [this] { AwaitHints(); });
}

void Provocations::AskStrangely() {
  const size_t at = random_.Below(place_.nodes.size());
  if (!place_.nodes[at]->running()) return;
  const MemberId from(static_cast<uint32_t>(1 + (at + 1) % place_.nodes.size()));
  TreeRequest request;
  request.level = TreeLevel::kGroups;
  request.parameters.cluster = place_.ring->cluster();
  request.parameters.hash_version = TreeParameters::kHashVersion + 1;
  request.parameters.leaves = 4 * kTreeLeaves;
  request.stride = 1;
  place_.nodes[at]->HandlePeer(from, std::move(request), seconds(1), [this](const absl::StatusOr<PeerReply>& reply) {
    if (absl::IsFailedPrecondition(reply.status())) return;
    violations_.push_back({"I16", absl::StrCat("trees of another format were answered: ", reply.status().ToString())});
  });
}

// A record of its own, in a partition of the workload, whose leaf is wrong from the start.
void Provocations::Drift() {
  const std::string key = absl::StrCat("drift{", key_, "}");
  const RecordKey at{PartitionOf(key), BucketId(1), key};
  SimNode& node = *place_.nodes[place_.ring->Owners(at.partition)[0].value() - 1];
  if (!node.running()) return;
  Object object;
  ObjectBuilder::Add(object, {.dot = {{StoreId(1000), Lifetime(options_.seed + 1), 1}, 1}, .value = "d", .hlc = 1});
  CommitItem item{.key = at, .record = {.object = object.Encode()}};
  item.leaf_delta = RecordHash(node.TreeKey(), at.bucket, at.key, item.record.object) ^ 0xBAD;
  node.Plant(std::move(item));
}

// ---- Keys whose values expire

ClientRequest Provocations::RequestOf(ClientOp op, const std::string& key) const {
  ClientRequest request;
  request.op = op;
  request.key = key;
  request.budget = kPatience;
  return request;
}

OpId Provocations::NextOpId() { return {uint64_t{1} << 63 | options_.seed, (uint64_t{1} << 40) + ++op_ids_}; }

void Provocations::PutLasting(size_t index) {
  ClientRequest request = RequestOf(ClientOp::kPut, expiring_[index].key);
  request.value = "lasting";
  request.op_id = NextOpId();
  expiring_[index].replaced = request.op_id.low;
  client_.Call(AnyNode(), request, kPatience, [this, index](absl::StatusOr<ClientReply> reply) {
    if (reply.ok() && reply->status.ok() && !reply->context.empty()) PutExpiring(index, std::move(reply->context));
  });
}

void Provocations::PutExpiring(size_t index, std::string context) {
  ClientRequest request = RequestOf(ClientOp::kPut, expiring_[index].key);
  request.value = "expiring";
  request.context = std::move(context);
  request.op_id = NextOpId();
  const WallTime begin = SimClockOptions().wall_origin;
  const Duration expires =
      place_.scheduler.now().time_since_epoch() + random_.Between(milliseconds(50), milliseconds(400));
  request.expires_at_ms = begin.time_since_epoch().count() + std::chrono::duration_cast<milliseconds>(expires).count();
  client_.Call(AnyNode(), request, kPatience, [this, index](const absl::StatusOr<ClientReply>& reply) {
    expiring_[index].gone = reply.ok() && reply->status.ok();
  });
}

void Provocations::ReadExpiring(size_t index) {
  ClientRequest request = RequestOf(ClientOp::kGet, expiring_[index].key);
  client_.Call(AnyNode(), request, kPatience, [](const absl::StatusOr<ClientReply>&) {});
}

// ---- A hint, or a delete, that comes late

// Cuts or mends the links of the key's last owner: with the other owners, or with the fallbacks.
void Provocations::CutTarget(bool cut, bool from_owners) {
  if (cut && healed_) return;
  const PartitionId partition = PartitionOf(late_.key);
  const MemberId target = place_.ring->Owners(partition).back();
  for (const auto& node : place_.nodes) {
    const MemberId other = node->member();
    if (other == target || place_.ring->IsOwner(partition, other) != from_owners) continue;
    const std::pair<HostId, HostId> ways[] = {{other.value(), target.value()}, {target.value(), other.value()}};
    for (const auto& [from, to] : ways) {
      cut ? place_.network.Cut(from, to) : place_.network.Mend(from, to);
    }
  }
}

bool Provocations::HasFallbacks() const { return place_.nodes.size() > kReplicasDefault; }

// The last owner is cut off, and a fallback keeps a hint for it; then it comes back, but not for the fallback, and the
// value is deleted; then the fallback reaches it. Without fallbacks: it has the value, and is cut off from the delete.
void Provocations::LateNews() {
  late_.key = absl::StrCat("late-", options_.seed % 97);
  CutTarget(HasFallbacks(), true);
  CutTarget(HasFallbacks(), false);
  ClientRequest request = RequestOf(ClientOp::kPut, late_.key);
  request.value = "late";
  request.op_id = NextOpId();
  late_.replaced = request.op_id.low;
  const MemberId first = place_.ring->Owners(PartitionOf(late_.key)).front();
  client_.Call(first, request, kPatience, [this](absl::StatusOr<ClientReply> reply) {
    if (!reply.ok() || !reply->status.ok()) return CutTarget(false, true);
    place_.scheduler.After(kUntilWritten, [this, context = std::move(reply->context)] { DeleteLate(context); });
  });
}

void Provocations::DeleteLate(const std::string& context) {
  CutTarget(!HasFallbacks(), true);
  place_.scheduler.After(kUntilDeleted, [this] { CutTarget(false, !HasFallbacks()); });
  ClientRequest request = RequestOf(ClientOp::kDelete, late_.key);
  request.context = context;
  request.op_id = NextOpId();
  const MemberId first = place_.ring->Owners(PartitionOf(late_.key)).front();
  client_.Call(first, request, kPatience,
               [this](const absl::StatusOr<ClientReply>& reply) { late_.gone = reply.ok() && reply->status.ok(); });
}

// ---- What must hold in the end

// I7: neither what expired or was deleted comes back, nor what it had replaced. I3: the owners have the same.
void Provocations::CheckGone(const std::string& name, Violations* out) {
  const RecordKey key{PartitionOf(name), BucketId(1), name};
  const auto owners = place_.ring->Owners(key.partition);
  for (auto& node : place_.nodes) {
    ClientRequest request = RequestOf(ClientOp::kGet, name);
    request.consistency = {static_cast<uint32_t>(owners.size()), true};
    absl::StatusOr<ClientReply> reply = absl::UnavailableError("none");
    for (int attempt = 0; attempt < 5 && !(reply.ok() && absl::IsNotFound(reply->status)); ++attempt) {
      bool done = false;
      client_.Call(node->member(), request, kPatience, [&](absl::StatusOr<ClientReply> r) {
        reply = std::move(r);
        done = true;
      });
      place_.scheduler.RunUntilTrue([&] { return done; }, place_.scheduler.now() + 2 * kPatience);
      if (reply.ok() && !reply->values.empty()) break;
    }
    if (reply.ok() && absl::IsNotFound(reply->status)) continue;
    const std::string got = !reply.ok()             ? reply.status().ToString()
                            : reply->values.empty() ? reply->status.ToString()
                                                    : absl::StrCat("the value \"", reply->values[0], "\"");
    out->push_back({"I7", absl::StrCat(name, " is gone, and n", node->member().value(), " answers ", got)});
  }
  const auto stands = [this](MemberId owner) { return place_.nodes[owner.value() - 1]->running(); };
  if (!std::all_of(owners.begin(), owners.end(), stands)) return;  // which is judged elsewhere
  const Object first = place_.nodes[owners[0].value() - 1]->ReadRecord(key);
  for (MemberId owner : owners) {
    if (place_.nodes[owner.value() - 1]->ReadRecord(key) == first) continue;
    out->push_back({"I3", absl::StrCat("the owners of ", name, " differ")});
    return;
  }
}

void Provocations::Finish(Violations* out) {
  for (Violation& v : violations_) out->push_back(std::move(v));
  // With a lost disk an ack of W may be gone by right; a put that the network repeats is one more write; and where
  // clocks jump, "expired" is each node's own opinion.
  if (options_.faults.wipe || options_.link.duplicate > 0) return;
  // P8: of a put that was minted twice, one version may come after the other was replaced.
  const auto twins = [this](const Fleeting& f) { return place_.monitor.DotsOf(f.replaced).size() > 1; };
  if (late_.gone && !twins(late_)) CheckGone(late_.key, out);
  if (options_.faults.clock_jumps) return;
  for (const Fleeting& expiring : expiring_) {
    if (expiring.gone && !twins(expiring)) CheckGone(expiring.key, out);
  }
}

}  // namespace henge::sim
