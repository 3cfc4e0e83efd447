#include "node/replica.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "node/merge_marks.h"
#include "node/replica_impl.h"

namespace henge {
absl::Status Replica::Impl::CheckWhole(PartitionId partition) {
  if (recovery_ == nullptr || !recovery_->IsRecovering(partition)) return absl::OkStatus();
  ++figures_.refused_recovering;
  return absl::FailedPreconditionError(absl::StrCat("recovering: this node may have lost data of partition ",
                                                    partition.value(),
                                                    " and has not compared it with the other owners yet"));
}

void Replica::Impl::Read(RecordKey key, ReadFn done) {
  if (absl::Status whole = CheckWhole(key.partition); !whole.ok()) {
    // In its turn, as every answer of a read: the caller is not done asking yet.
    store_.Read(std::move(key),
                [done = std::move(done), whole = std::move(whole)](const auto&) mutable { done(std::move(whole)); });
    return;
  }
  ReadStored(std::move(key), std::move(done));
}

void Replica::Impl::ReadStored(RecordKey key, ReadFn done) {
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
  if (absl::Status disk = CheckDisk(engine_.disk_class(), IsControlWrite(*incoming)); !disk.ok()) {
    done(std::move(disk));
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
  MarkMerge(env_.tracer, {request.cause, conflict, WallMs()}, base.object, incoming);
  bool collided = base.object.HasDotCollision();
  if (conflict == ConflictPolicy::kLastWriterWins) {
    // What is too far ahead is merged all the same, but moves no clock (P9).
    if (!stamps_.Observe(incoming.MaxHlc(), WallMs())) CountStampAhead(incoming.MaxHlc());
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

Replica::Replica(MemberId self, ShardEnvironment environment, StoreEngine& engine, RingPtr ring, StampStart stamps,
                 size_t cache_bytes)
    : impl_(std::make_unique<Impl>(self, environment, engine, std::move(ring), stamps, cache_bytes)) {}

Replica::~Replica() = default;

void Replica::UpdateRing(RingPtr ring) { impl_->UpdateRing(std::move(ring)); }

absl::Status Replica::AdmitWrite(bool tombstone) const { return impl_->AdmitWrite(tombstone); }

void Replica::Mint(MintCommand command, MintedFn minted, DurableFn durable) {
  impl_->Mint(std::move(command), std::move(minted), std::move(durable));
}

void Replica::HeedRecovery(const Recovery* recovery) { impl_->HeedRecovery(recovery); }

void Replica::ReadStored(RecordKey key, ReadFn done) { impl_->ReadStored(std::move(key), std::move(done)); }

void Replica::Read(RecordKey key, ReadFn done) { impl_->Read(std::move(key), std::move(done)); }

void Replica::Merge(MergeRequest request, MergeFn done) { impl_->Merge(std::move(request), std::move(done)); }

void Replica::CheckAmnesia(RecordKey key, Dot seen, AmnesiaFn done) {
  impl_->CheckAmnesia(std::move(key), seen, std::move(done));
}

StampSource& Replica::stamps() { return impl_->stamps(); }

ReplicaFigures Replica::figures() const { return impl_->figures(); }

}  // namespace henge
