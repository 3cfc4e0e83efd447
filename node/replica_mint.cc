// How a replica mints: lifetimes (P3-P7), stamps (P9), and the one step that cannot fail (P6).
#include <algorithm>

#include "coordinator/read_edge.h"
#include "node/context_check.h"
#include "node/record_caps.h"
#include "node/replica_impl.h"
#include "node/stamp_check.h"

namespace henge {

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

}  // namespace henge
