#include "node/replica.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/read_edge.h"
#include "core/model/hlc.h"
#include "core/model/limits.h"
#include "core/model/mint.h"
#include "core/model/object.h"
#include "node/context_check.h"
#include "node/record_caps.h"
#include "node/stamp_check.h"
#include "node/stamp_reserve.h"

namespace henge {
namespace {

constexpr uint32_t kScanBytesDefault = 1 << 20;

bool IsControlWrite(const Object& object) {
  return std::all_of(object.siblings().begin(), object.siblings().end(), [](const Sibling& s) { return s.tombstone; });
}

absl::Status DiskFullError(DiskClass disk) {
  return absl::ResourceExhaustedError(
      disk == DiskClass::kFull ? "this node's disk is full: free space or add a node"
                               : "this node's disk is nearly full and takes only deletes: free space or add a node");
}

}  // namespace

class Replica::Impl {
 public:
  Impl(MemberId self, ShardEnvironment environment, StoreEngine& engine, RingPtr ring, StampStart stamps,
       size_t cache_bytes)
      : self_(self),
        env_(environment),
        engine_(engine),
        ring_(std::move(ring)),
        hlc_(stamps.floor),
        stamps_(stamps.shard, engine, environment.executor),
        store_(engine, environment.executor, cache_bytes),
        alive_(std::make_shared<bool>(true)) {
    minter_.store = engine.store_id();
    DrawLifetime();
  }

  void UpdateRing(RingPtr ring) { ring_ = std::move(ring); }
  const ReplicaFigures& figures() const { return figures_; }

  absl::Status AdmitWrite(bool tombstone) const;
  void Mint(MintCommand command, MintedFn minted, DurableFn durable);
  void Read(RecordKey key, ReadFn done);
  void Merge(MergeRequest request, MergeFn done);
  void CheckAmnesia(RecordKey key, Dot seen, AmnesiaFn done);
  void Scan(ScanRequest request, PeerReplyFn reply);
  // P33: whether the sender's idea of the partition is this node's, and this node is an owner.
  absl::Status Fence(PartitionId partition, LayoutEpoch epoch);
  absl::Status CheckKey(const RecordKey& key) const;
  bool Expired(MonotonicTime deadline) const { return env_.clock.Now() >= deadline; }

 private:
  int64_t WallMs() const { return env_.clock.WallNow().time_since_epoch().count(); }
  bool IsOwner(PartitionId partition) const { return ring_->IsOwner(partition, self_); }

  absl::Status CheckMint(const MintCommand& command, const absl::StatusOr<BaseRecord>& base) const;
  // Answers with the version that `op_id` made before; false if there is none.
  bool AnswerFound(const MintCommand& command, const BaseRecord& base, MintedFn& minted, DurableFn& durable);
  bool HasStamp(const MintCommand& command, const Object& base);
  void AwaitStamp(MintCommand command, uint64_t base_hlc, MintedFn minted, DurableFn durable);
  void MintOn(MintCommand command, BaseRecord base, MintedFn minted, DurableFn durable);
  MintResult ResultOf(const Object& object, const Dot& dot, const Context& client, std::string encoded) const;

  void MergeInto(BaseRecord base, MergeRequest request, Object incoming, MergeFn done);
  void CheckOwnHistory(const Object& base, const Object& incoming);
  void CountCollision();
  void CountStampAhead(uint64_t stamp);

  void DrawLifetime();
  void CloseLifetime(Lifetime lifetime, const char* why);

  const MemberId self_;
  ShardEnvironment env_;
  StoreEngine& engine_;
  RingPtr ring_;
  Minter minter_;
  HybridClock hlc_;
  StampReserve stamps_;
  ReplicaFigures figures_;
  ReplicaStore store_;
  std::shared_ptr<bool> alive_;  // what the engine still answers after the end finds it gone
};

// ---- Lifetimes ----

void Replica::Impl::DrawLifetime() {
  const Lifetime before = minter_.lifetime;
  do {
    minter_.lifetime = Lifetime(env_.random.Next64());
  } while (minter_.lifetime == before || minter_.lifetime == Lifetime{});
  minter_.last_epoch = 0;
}

void Replica::Impl::CloseLifetime(Lifetime lifetime, const char* why) {
  if (lifetime != minter_.lifetime) return;
  ++figures_.lifetimes_closed;
  DrawLifetime();
  env_.tracer.Event(Severity::kAlarm, "LifetimeClosed", {{"why", std::string(why)}});
}

void Replica::Impl::CheckAmnesia(RecordKey key, Dot seen, AmnesiaFn done) {
  RecordKey wanted = key;
  store_.ReadBase(std::move(wanted), [this, seen, done = std::move(done)](absl::StatusOr<BaseRecord> base) mutable {
    if (!base.ok()) {
      done(base.status());
      return;
    }
    const std::optional<Mark>& mark = base->mark;
    const bool minted_here = seen.actor.store == minter_.store && mark.has_value() &&
                             mark->lifetime == seen.actor.lifetime && mark->epoch == seen.actor.epoch &&
                             mark->counter >= seen.counter;
    if (!minted_here) CloseLifetime(seen.actor.lifetime, "a peer knows versions that were never minted here");
    done(!minted_here);
  });
}

// What this run minted is all in the base. A record that shows more of this lifetime was written by a clone, or by this
// store before it lost history.
void Replica::Impl::CheckOwnHistory(const Object& base, const Object& incoming) {
  for (const VersionVector::Entry& entry : incoming.vv().entries()) {
    if (entry.actor.store != minter_.store || entry.actor.lifetime != minter_.lifetime) continue;
    if (entry.counter <= base.vv().Get(entry.actor)) continue;
    CloseLifetime(minter_.lifetime, "a record came in with versions of this run that were never minted here");
    return;
  }
}

void Replica::Impl::CountCollision() {
  ++figures_.dot_collisions;
  env_.tracer.Event(Severity::kAlarm, "DotCollision", {{"collisions", figures_.dot_collisions}});
}

void Replica::Impl::CountStampAhead(uint64_t stamp) {
  ++figures_.stamps_ahead;
  env_.tracer.Event(Severity::kWarning, "StampTooFarAhead", {{"stamp", stamp}});
}

// ---- Minting ----

absl::Status Replica::Impl::AdmitWrite(bool tombstone) const {
  if (absl::Status health = engine_.health(); !health.ok()) {
    return absl::UnavailableError(absl::StrCat("this node's store has failed, restart it: ", health.ToString()));
  }
  const DiskClass disk = engine_.disk_class();
  if (disk == DiskClass::kPlenty || (tombstone && disk == DiskClass::kControlOnly)) return absl::OkStatus();
  return DiskFullError(disk);
}

void Replica::Impl::Mint(MintCommand command, MintedFn minted, DurableFn durable) {
  RecordKey key = command.key;
  store_.ReadBase(std::move(key), [this, command = std::move(command), minted = std::move(minted),
                                   durable = std::move(durable)](absl::StatusOr<BaseRecord> base) mutable {
    if (absl::Status status = CheckMint(command, base); !status.ok()) {
      minted(std::move(status));
      return;
    }
    if (AnswerFound(command, *base, minted, durable)) return;
    if (!HasStamp(command, base->object)) {
      AwaitStamp(std::move(command), base->object.MaxHlc(), std::move(minted), std::move(durable));
      return;
    }
    MintOn(std::move(command), *std::move(base), std::move(minted), std::move(durable));
  });
}

absl::Status Replica::Impl::CheckMint(const MintCommand& command, const absl::StatusOr<BaseRecord>& base) const {
  if (!base.ok()) return base.status();
  if (Expired(command.deadline)) return absl::DeadlineExceededError("the local record was not read in time");
  if (!IsOwner(command.key.partition)) {
    return absl::UnavailableError("this node ceased to own the key while the request waited: retry");
  }
  if (absl::Status future = CheckOwnFuture(command.context.vv, base->object.vv(), minter_); !future.ok()) return future;
  if (absl::Status key = CheckKey(command.key); !key.ok()) return key;  // the bucket may be dropped by now (P34)
  const Sibling* same_op = command.again ? nullptr : base->object.FindOp(command.mutation.op_id);
  if (same_op == nullptr && ring_->ConflictOf(command.key.bucket) == ConflictPolicy::kLastWriterWins) {
    absl::Status stamp = CheckStamp(hlc_, command.context.hlc_max, base->object.MaxHlc(), WallMs());
    if (!stamp.ok()) return stamp;
  }
  if (same_op == nullptr) return CheckCaps(base->object, command.context.vv, command.mutation);
  return same_op->request_hash == command.mutation.request_hash ? absl::OkStatus() : OpIdReuseError();
}

bool Replica::Impl::AnswerFound(const MintCommand& command, const BaseRecord& base, MintedFn& minted,
                                DurableFn& durable) {
  const Sibling* same_op = command.again ? nullptr : base.object.FindOp(command.mutation.op_id);
  if (same_op == nullptr) return false;
  MintResult result = ResultOf(base.object, same_op->dot, command.context, base.object.Encode());
  result.found = true;
  minted(std::move(result));
  if (base.durable) {
    durable(absl::OkStatus());
  } else {
    store_.AwaitDurable(command.key, std::move(durable));
  }
  return true;
}

// Whether the next stamp of a last-writer-wins bucket stays below the durable ceiling; other buckets need none.
bool Replica::Impl::HasStamp(const MintCommand& command, const Object& base) {
  if (ring_->ConflictOf(command.key.bucket) != ConflictPolicy::kLastWriterWins) return true;
  const uint64_t next = hlc_.Next(WallMs(), std::max(command.context.hlc_max, base.MaxHlc()));
  if (!stamps_.Covers(next)) return false;
  stamps_.KeepAhead(next, WallMs());
  return true;
}

// Nothing was minted yet: the mint begins anew, with the record as it is then.
void Replica::Impl::AwaitStamp(MintCommand command, uint64_t base_hlc, MintedFn minted, DurableFn durable) {
  const uint64_t next = hlc_.Next(WallMs(), std::max(command.context.hlc_max, base_hlc));
  stamps_.Reserve(next, WallMs(),
                  [this, command = std::move(command), minted = std::move(minted),
                   durable = std::move(durable)](const absl::Status& status) mutable {
                    if (status.ok()) {
                      Mint(std::move(command), std::move(minted), std::move(durable));
                    } else {
                      minted(status);
                    }
                  });
}

// From here on nothing can fail until the commit is enqueued (P6).
void Replica::Impl::MintOn(MintCommand command, BaseRecord base, MintedFn minted, DurableFn durable) {
  const int64_t now_ms = WallMs();
  const ConflictPolicy conflict = ring_->ConflictOf(command.key.bucket);
  // P9: above what the client saw; and above what this replica has, so that a blind write wins as well.
  if (conflict == ConflictPolicy::kLastWriterWins) hlc_.Observe(base.object.MaxHlc(), now_ms);
  const uint64_t stamp = hlc_.Stamp(now_ms, command.context.hlc_max);
  Minted version = MintVersion(std::move(base.object), base.mark, command.context.vv, std::move(command.mutation),
                               stamp, &minter_, conflict);
  ++figures_.mints;
  std::string encoded = version.object.Encode();
  MintResult result = ResultOf(version.object, version.dot, command.context, encoded);
  store_.Write(
      std::move(command.key), std::move(version.object), std::move(encoded), version.mark, now_ms,
      [this, lifetime = version.dot.actor.lifetime, durable = std::move(durable)](absl::Status status) mutable {
        // The dot is out there, and the mark that remembers it is not.
        if (!status.ok()) CloseLifetime(lifetime, "a commit failed after its mint");
        durable(std::move(status));
      });
  minted(std::move(result));
}

MintResult Replica::Impl::ResultOf(const Object& object, const Dot& dot, const Context& client,
                                   std::string encoded) const {
  MintResult result;
  result.object = std::make_shared<const std::string>(std::move(encoded));
  result.dot = dot;
  result.siblings_live = static_cast<uint32_t>(VisibleAt(object, WallMs()).size());
  result.next_context = WriteContext(object, client, dot);
  return result;
}

// ---- Reading and merging ----

void Replica::Impl::Read(RecordKey key, ReadFn done) {
  ++figures_.reads;
  store_.Read(std::move(key), [done = std::move(done)](absl::StatusOr<std::optional<StoredRecord>> record) mutable {
    if (!record.ok()) {
      done(std::move(record).status());
      return;
    }
    ReadReply reply;
    if (record->has_value()) {
      reply.found = true;
      reply.object = std::move((*record)->object);
      reply.mark = (*record)->mark;
      reply.written_at_ms = static_cast<uint64_t>(std::max<int64_t>((*record)->written_at_ms, 0));
    }
    done(std::move(reply));
  });
}

void Replica::Impl::Merge(MergeRequest request, MergeFn done) {
  absl::StatusOr<Object> incoming = Object::Decode(request.object);
  if (!incoming.ok()) {
    ++figures_.undecodable;
    env_.tracer.Event(Severity::kError, "UndecodableObject", {{"bytes", uint64_t{request.object.size()}}});
    done(std::move(incoming).status());
    return;
  }
  const DiskClass disk = engine_.disk_class();
  if (disk == DiskClass::kFull || (disk == DiskClass::kControlOnly && !IsControlWrite(*incoming))) {
    done(DiskFullError(disk));
    return;
  }
  RecordKey key = request.key;
  store_.ReadBase(std::move(key), [this, request = std::move(request), incoming = *std::move(incoming),
                                   done = std::move(done)](absl::StatusOr<BaseRecord> base) mutable {
    // A base that can't be read is not an absent one: a merge onto nothing would drop what it holds.
    if (!base.ok()) {
      done(base.status());
      return;
    }
    absl::Status fence = CheckKey(request.key);
    if (fence.ok()) fence = Fence(request.key.partition, request.epoch);
    if (!fence.ok()) {
      done(std::move(fence));
      return;
    }
    MergeInto(*std::move(base), std::move(request), std::move(incoming), std::move(done));
  });
}

void Replica::Impl::MergeInto(BaseRecord base, MergeRequest request, Object incoming, MergeFn done) {
  ++figures_.merges;
  CheckOwnHistory(base.object, incoming);
  const ConflictPolicy conflict = ring_->ConflictOf(request.key.bucket);
  bool collided = base.object.HasDotCollision();
  if (conflict == ConflictPolicy::kLastWriterWins) {
    // What is too far ahead is merged all the same, but moves no clock (P9).
    if (!hlc_.Observe(incoming.MaxHlc(), WallMs())) CountStampAhead(incoming.MaxHlc());
    if (DotsCollide(base.object, incoming)) CountCollision();
    collided = true;
  }
  const bool incoming_wins = RecordIncludes(conflict, incoming, base.object);
  bool changed = false;
  if (incoming_wins) {
    changed = incoming != base.object;
    base.object = std::move(incoming);
  } else {
    changed = MergeRecord(conflict, &base.object, std::move(incoming));
  }
  MergeReply reply;
  if (!changed) {
    ++figures_.merges_without_change;
    if (request.minter.has_value()) reply.minter_counter = base.object.vv().Get(*request.minter);
    if (base.durable) {
      done(reply);
      return;
    }
    // P11: what it equals may yet be lost.
    store_.AwaitDurable(request.key, [reply, done = std::move(done)](absl::Status status) mutable {
      done(status.ok() ? absl::StatusOr<MergeReply>(reply) : absl::StatusOr<MergeReply>(std::move(status)));
    });
    return;
  }
  Object merged = std::move(base.object);
  std::string encoded = incoming_wins ? std::move(request.object) : merged.Encode();
  if (request.minter.has_value()) reply.minter_counter = merged.vv().Get(*request.minter);
  if (!collided && merged.HasDotCollision()) CountCollision();
  store_.Write(std::move(request.key), std::move(merged), std::move(encoded), base.mark, WallMs(),
               [reply, done = std::move(done)](absl::Status status) mutable {
                 done(status.ok() ? absl::StatusOr<MergeReply>(reply) : absl::StatusOr<MergeReply>(std::move(status)));
               });
}

// ---- Peers ----

absl::Status Replica::Impl::Fence(PartitionId partition, LayoutEpoch epoch) {
  if (partition.value() >= kPartitionCount) {
    return absl::InvalidArgumentError(absl::StrCat("there is no partition ", partition.value()));
  }
  if (!IsOwner(partition)) {
    ++figures_.fenced;
    return absl::FailedPreconditionError(absl::StrCat("this node is no owner of partition ", partition.value(),
                                                      " in cluster state version ", ring_->version().value()));
  }
  if (epoch == ring_->Epoch(partition)) return absl::OkStatus();
  ++figures_.fenced;
  return absl::AbortedError(absl::StrCat("stale layout epoch: the request has ", epoch.value(), ", partition ",
                                         partition.value(), " is at ", ring_->Epoch(partition).value()));
}

absl::Status Replica::Impl::CheckKey(const RecordKey& key) const {
  if (key.key.empty() || key.key.size() > kKeyBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("a key of ", key.key.size(), " bytes"));
  }
  if (ring_->state().FindBucket(key.bucket) != nullptr) return absl::OkStatus();
  const uint64_t version = ring_->version().value();
  // P34: an id below the next one was dropped for good; one above it is of a state that this node has yet to see.
  if (ring_->state().IsDropped(key.bucket)) {
    return absl::FailedPreconditionError(absl::StrCat("the bucket with the id ", key.bucket.value(),
                                                      " was dropped as of cluster state version ", version));
  }
  return absl::AbortedError(absl::StrCat("cluster state version ", version, " has no bucket with the id ",
                                         key.bucket.value(), " yet: this node must catch up first"));
}

void Replica::Impl::Scan(ScanRequest request, PeerReplyFn reply) {
  const uint32_t bytes_max = request.bytes_max == 0 ? kScanBytesDefault : request.bytes_max;
  engine_.Scan(
      request.partition, std::move(request.cursor), std::min<size_t>(bytes_max, kPeerFrameBytesMax / 2), env_.executor,
      [alive = std::weak_ptr<bool>(alive_), reply = std::move(reply)](absl::StatusOr<StoreEngine::Page> page) mutable {
        if (alive.expired()) return;
        if (!page.ok()) {
          reply(std::move(page).status());
          return;
        }
        ScanReply scanned{.items = {}, .cursor = std::move(page->cursor), .done = page->done};
        scanned.items.reserve(page->items.size());
        for (auto& [key, record] : page->items) {
          scanned.items.push_back({.key = std::move(key), .object = std::move(record.object)});
        }
        reply(PeerReply(std::move(scanned)));
      });
}

Replica::Replica(MemberId self, ShardEnvironment environment, StoreEngine& engine, RingPtr ring, StampStart stamps,
                 size_t cache_bytes)
    : impl_(std::make_unique<Impl>(self, environment, engine, std::move(ring), stamps, cache_bytes)) {}

Replica::~Replica() = default;

void Replica::UpdateRing(RingPtr ring) { impl_->UpdateRing(std::move(ring)); }

absl::Status Replica::AdmitWrite(bool tombstone) const { return impl_->AdmitWrite(tombstone); }

void Replica::Mint(MintCommand command, MintedFn minted, DurableFn durable) {
  impl_->Mint(std::move(command), std::move(minted), std::move(durable));
}

void Replica::Read(RecordKey key, ReadFn done) { impl_->Read(std::move(key), std::move(done)); }

void Replica::Merge(MergeRequest request, MergeFn done) { impl_->Merge(std::move(request), std::move(done)); }

void Replica::CheckAmnesia(RecordKey key, Dot seen, AmnesiaFn done) {
  impl_->CheckAmnesia(std::move(key), seen, std::move(done));
}

ReplicaFigures Replica::figures() const { return impl_->figures(); }

namespace {

void ServeRead(Replica& replica, ReadRequest request, Replica::PeerReplyFn reply) {
  replica.Read(std::move(request.key),
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

void ServeMerge(Replica& replica, MergeRequest request, Replica::PeerReplyFn reply) {
  replica.Merge(std::move(request), [reply = std::move(reply)](absl::StatusOr<MergeReply> merged) mutable {
    reply(merged.ok() ? absl::StatusOr<PeerReply>(*merged) : absl::StatusOr<PeerReply>(std::move(merged).status()));
  });
}

}  // namespace

void Replica::HandlePeer([[maybe_unused]] MemberId from, PeerRequest request, MonotonicTime deadline,
                         PeerReplyFn reply) {
  if (impl_->Expired(deadline)) {
    reply(absl::DeadlineExceededError("the request's deadline had passed when it came"));
    return;
  }
  if (auto* scan = std::get_if<ScanRequest>(&request)) {
    absl::Status fence = impl_->Fence(scan->partition, scan->epoch);
    if (fence.ok()) {
      impl_->Scan(std::move(*scan), std::move(reply));
    } else {
      reply(std::move(fence));
    }
    return;
  }
  const RecordKey* key = nullptr;
  LayoutEpoch epoch;
  if (auto* merge = std::get_if<MergeRequest>(&request)) {
    key = &merge->key;
    epoch = merge->epoch;
  } else if (auto* read = std::get_if<ReadRequest>(&request)) {
    key = &read->key;
    epoch = read->epoch;
  } else {
    reply(absl::InvalidArgumentError("this kind of request is not for a replica"));
    return;
  }
  absl::Status status = impl_->CheckKey(*key);
  if (status.ok()) status = impl_->Fence(key->partition, epoch);
  if (!status.ok()) {
    reply(std::move(status));
  } else if (auto* merge = std::get_if<MergeRequest>(&request)) {
    ServeMerge(*this, std::move(*merge), std::move(reply));
  } else {
    ServeRead(*this, std::get<ReadRequest>(std::move(request)), std::move(reply));
  }
}

}  // namespace henge
