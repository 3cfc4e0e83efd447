// How a replica mints: lifetimes (P3-P7), stamps (P9), and the one step that cannot fail (P6).
#include <algorithm>

#include "node/context_check.h"
#include "node/mint_step.h"
#include "node/replica_impl.h"

namespace henge {

// ---- Lifetimes ----

void Replica::Impl::DrawLifetime() { henge::DrawLifetime(env_.random, &minter_); }

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
  return CheckDisk(engine_.disk_class(), tombstone);
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
  return CheckMutation(command, base->object, ring_->ConflictOf(command.key.bucket), stamps_, WallMs());
}

bool Replica::Impl::AnswerFound(const MintCommand& command, const BaseRecord& base, MintedFn& minted,
                                DurableFn& durable) {
  const Sibling* same_op = FindFormerMint(command, base.object);
  if (same_op == nullptr) return false;
  MintResult result = MintResultOf(base.object, same_op->dot, command.context, base.object.Encode(), WallMs());
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
  return stamps_.Ready(std::max(command.context.hlc_max, base.MaxHlc()), WallMs());
}

// Nothing was minted yet: the mint begins anew, with the record as it is then.
void Replica::Impl::AwaitStamp(MintCommand command, uint64_t base_hlc, MintedFn minted, DurableFn durable) {
  const uint64_t seen = std::max(command.context.hlc_max, base_hlc);
  stamps_.Await(seen, WallMs(),
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
  MintedVersion made = MintOver(std::move(base.object), base.mark, conflict, now_ms, &command, &stamps_, &minter_);
  ++figures_.mints;
  store_.Write(
      std::move(command.key), std::move(made.version.object), std::move(made.encoded), made.version.mark, now_ms,
      [this, lifetime = made.version.dot.actor.lifetime, durable = std::move(durable)](absl::Status status) mutable {
        // The dot is out there, and the mark that remembers it is not.
        if (!status.ok()) CloseLifetime(lifetime, "a commit failed after its mint");
        durable(std::move(status));
      });
  minted(std::move(made.result));
}

}  // namespace henge
