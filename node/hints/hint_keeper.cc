#include "node/hints/hint_keeper.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "node/context_check.h"
#include "node/disk_admission.h"
#include "node/fence.h"
#include "node/mint_step.h"

namespace henge {
HintKeeper::HintKeeper(HintKeeperOptions options, ShardEnvironment environment, HintStore& store, StampSource& stamps,
                       RingPtr ring)
    : options_(options),
      env_(environment),
      stamps_(stamps),
      ring_(std::move(ring)),
      shelf_(store, environment.executor, options.shard, options.shards),
      alive_(std::make_shared<bool>(true)) {
  minter_.store = options.store;
  DrawLifetime(env_.random, &minter_);
}

HintKeeper::~HintKeeper() = default;

// ---- What is taken ----

absl::Status HintKeeper::Fence(MemberId from, const RecordKey& key, MemberId target) {
  if (absl::Status status = CheckRecordKey(*ring_, key); !status.ok()) return status;
  if (ring_->state().FindMember(target) == nullptr) return RefuseStranger(from, target);
  if (ring_->IsOwner(key.partition, options_.self)) {
    return absl::FailedPreconditionError(
        absl::StrCat("this node owns partition ", key.partition.value(), ": its copy is a record, not a hint"));
  }
  if (ring_->IsOwner(key.partition, target)) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("member ", target.value(), " is no owner of partition ",
                                                    key.partition.value(), " in cluster state version ",
                                                    ring_->version().value(), ": no hint is kept for it"));
}

absl::Status HintKeeper::RefuseStranger(MemberId from, MemberId target) {
  ++figures_.refused_member;
  absl::Status why = absl::FailedPreconditionError(
      absl::StrCat("member ", target.value(), " is not in the cluster (state version ", ring_->version().value(),
                   "): it was removed, or never was; no hint is kept for it, the record goes to the owners of today"));
  if (stranger_said_.MaySay(absl::StrCat(from.value(), "/", target.value()), env_.clock.Now())) {
    env_.tracer.Event(Severity::kWarning, "HintForNoMemberRefused",
                      {{"target", uint64_t{target.value()}},
                       {"peer", uint64_t{from.value()}},
                       {"refused", figures_.refused_member},
                       {"why", std::string(why.message())}});
  }
  return why;
}

absl::Status HintKeeper::CheckRoom(int64_t growth) {
  if (growth <= 0 || shelf_.projected_bytes() + growth <= static_cast<int64_t>(options_.bytes_max)) {
    return absl::OkStatus();
  }
  ++figures_.refused_full;
  if (full_said_.MaySay("full", env_.clock.Now())) {
    env_.tracer.Event(Severity::kWarning, "HintStoreFull",
                      {{"bytes", static_cast<uint64_t>(std::max<int64_t>(shelf_.projected_bytes(), 0))},
                       {"bytes_max", options_.bytes_max},
                       {"refused", figures_.refused_full},
                       {"advice", std::string("bring back the members that the hints are for (henge status), or raise "
                                              "hints.bytes_max; until then other fallbacks take new hints, and a "
                                              "write that finds none is unavailable")}});
  }
  if (on_full_) on_full_();
  return absl::ResourceExhaustedError(
      "this node keeps as many hints as it may (hints.bytes_max): another fallback must take this one");
}

void HintKeeper::Store(HintRequest request, StoreFn done) {
  StoreFor(options_.self, std::move(request), std::move(done));
}

void HintKeeper::StoreFor(MemberId from, HintRequest request, StoreFn done) {
  absl::Status status = CheckEpoch(*ring_, request.key.partition, request.epoch);
  if (status.ok()) status = Fence(from, request.key, request.target);
  if (!status.ok()) {
    ++figures_.fenced;
    done(std::move(status));
    return;
  }
  absl::StatusOr<Object> incoming = Object::Decode(request.object);
  if (!incoming.ok()) {
    ++figures_.undecodable;
    env_.tracer.Event(Severity::kError, "UndecodableObject", {{"bytes", uint64_t{request.object.size()}}});
    done(std::move(incoming).status());
    return;
  }
  if (absl::Status disk = CheckDisk(shelf_.disk_class(), IsControlWrite(*incoming)); !disk.ok()) {
    done(std::move(disk));
    return;
  }
  RecordKey key = request.key;
  shelf_.Load(std::move(key), [this, from, request = std::move(request), incoming = *std::move(incoming),
                               done = std::move(done)](absl::StatusOr<const HintShelf::Targets*> targets) mutable {
    if (!targets.ok()) {
      done(targets.status());
      return;
    }
    MergeInto(**targets, from, std::move(request), std::move(incoming), std::move(done));
  });
}

// P16: what is there was acknowledged, so the new hint is merged into it.
void HintKeeper::MergeInto(const HintShelf::Targets& targets, MemberId from, HintRequest request, Object incoming,
                           StoreFn done) {
  absl::Status fence = CheckEpoch(*ring_, request.key.partition, request.epoch);
  if (fence.ok()) fence = Fence(from, request.key, request.target);  // the ring may be another one by now
  if (!fence.ok()) {
    ++figures_.fenced;
    done(std::move(fence));
    return;
  }
  if (IsOwnFuture(incoming.vv(), minter_)) {
    CloseLifetime(minter_.lifetime, "a hint came in with versions of this run that were never minted here");
  }
  const ConflictPolicy conflict = ring_->ConflictOf(request.key.bucket);
  if (conflict == ConflictPolicy::kLastWriterWins) stamps_.Observe(incoming.MaxHlc(), WallMs());
  const HintKey key{request.target, std::move(request.key)};
  auto kept = targets.find(request.target);
  HintReply reply;
  auto counter_of = [&request](const Object& object) {
    return request.minter.has_value() ? object.vv().Get(*request.minter) : uint64_t{0};
  };
  auto answer = [&reply, &done] {
    return [reply, done = std::move(done)](absl::Status status) mutable {
      done(status.ok() ? absl::StatusOr<HintReply>(reply) : absl::StatusOr<HintReply>(std::move(status)));
    };
  };
  if (kept != targets.end() && !kept->second.removing && request.needed <= kept->second.needed &&
      RecordIncludes(conflict, kept->second.object, incoming)) {
    ++figures_.unchanged;
    reply.minter_counter = counter_of(kept->second.object);
    shelf_.AwaitDurable(key, answer());
    return;
  }
  Object merged = std::move(incoming);
  std::string encoded = std::move(request.object);
  if (kept != targets.end() && MergeRecord(conflict, &merged, kept->second.object)) encoded = merged.Encode();
  const StoredHint sized{.object = {}, .needed = request.needed};
  const uint64_t bytes = HintBytes(key, sized) + encoded.size();
  const uint64_t before = kept == targets.end() ? 0 : kept->second.bytes;
  if (absl::Status room = CheckRoom(static_cast<int64_t>(bytes) - static_cast<int64_t>(before)); !room.ok()) {
    done(std::move(room));
    return;
  }
  ++figures_.stored;
  reply.minter_counter = counter_of(merged);
  Keep(key, std::move(merged), std::move(encoded), request.needed, answer());
}

void HintKeeper::Keep(const HintKey& key, Object object, std::string encoded, uint32_t needed,
                      HintShelf::DurableFn durable) {
  shelf_.Put(key, {.object = std::move(object), .encoded = std::move(encoded), .needed = needed, .now_ms = WallMs()},
             [this, target = key.target, durable = std::move(durable)](absl::Status status) mutable {
               const bool kept = status.ok();
               durable(std::move(status));
               if (kept && on_kept_) on_kept_(target);
             });
}

// ---- What is read ----

Object HintKeeper::MergeOf(const RecordKey& key, const HintShelf::Targets& targets) const {
  const ConflictPolicy conflict = ring_->ConflictOf(key.bucket);
  Object merged;
  for (const auto& [target, kept] : targets) MergeRecord(conflict, &merged, kept.object);
  return merged;
}

void HintKeeper::Read(RecordKey key, ReadFn done) {
  const ConflictPolicy conflict = ring_->ConflictOf(key.bucket);
  shelf_.ReadDurable(key, [conflict, done = std::move(done)](
                              absl::StatusOr<std::vector<std::pair<MemberId, StoredHint>>> hints) mutable {
    if (!hints.ok()) {
      done(std::move(hints).status());
      return;
    }
    ReadReply reply;
    Object merged;
    for (auto& [target, hint] : *hints) {
      absl::StatusOr<Object> object = Object::Decode(hint.object);
      if (!object.ok()) {
        done(std::move(object).status());
        return;
      }
      MergeRecord(conflict, &merged, *std::move(object));
      reply.found = true;
      reply.written_at_ms =
          std::max(reply.written_at_ms, static_cast<uint64_t>(std::max<int64_t>(hint.stored_at_ms, 0)));
    }
    if (reply.found) reply.object = merged.Encode();
    done(std::move(reply));
  });
}

// ---- The peers ----

namespace {

void ServeRead(HintKeeper& keeper, ReadRequest request, PeerHandler::ReplyFn reply) {
  keeper.Read(std::move(request.key),
              [known = request.known_digest, reply = std::move(reply)](absl::StatusOr<ReadReply> read) mutable {
                if (!read.ok()) {
                  reply(std::move(read).status());
                  return;
                }
                if (known.has_value() && read->found && ObjectDigest(read->object) == *known) {
                  read->same = true;
                  read->object.clear();
                }
                reply(PeerReply(*std::move(read)));
              });
}

}  // namespace

void HintKeeper::HandlePeer(MemberId from, PeerRequest request, MonotonicTime deadline, PeerHandler::ReplyFn reply) {
  if (env_.clock.Now() >= deadline) {
    reply(absl::DeadlineExceededError("the request's deadline had passed when it came"));
    return;
  }
  if (auto* hint = std::get_if<HintRequest>(&request)) {
    StoreFor(from, std::move(*hint), [reply = std::move(reply)](absl::StatusOr<HintReply> stored) mutable {
      reply(stored.ok() ? absl::StatusOr<PeerReply>(*stored) : absl::StatusOr<PeerReply>(std::move(stored).status()));
    });
    return;
  }
  auto* read = std::get_if<ReadRequest>(&request);
  if (read == nullptr) {
    reply(absl::InvalidArgumentError("this kind of request is not for the keeper of hints"));
    return;
  }
  absl::Status status = CheckRecordKey(*ring_, read->key);
  if (status.ok()) status = CheckEpoch(*ring_, read->key.partition, read->epoch);
  if (status.ok()) {
    ServeRead(*this, std::move(*read), std::move(reply));
  } else {
    ++figures_.fenced;
    reply(std::move(status));
  }
}

HintFigures HintKeeper::figures() const {
  HintFigures figures = figures_;
  figures.set_aside = shelf_.set_aside();
  figures.bytes_max = options_.bytes_max;
  for (const auto& [target, pending] : shelf_.pending()) {
    figures.pending.push_back({target, pending.count, pending.bytes, pending.oldest_ms});
  }
  return figures;
}

}  // namespace henge
