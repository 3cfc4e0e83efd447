// How a fallback mints that coordinates (P12): onto the merge of all its hints for the key, in a new epoch each time.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "node/context_check.h"
#include "node/disk_admission.h"
#include "node/hints/hint_keeper.h"
#include "node/mint_step.h"

namespace henge {
namespace {

// What a mint may add to a record beside its value: the version's own fields, and entries of the vector.
constexpr size_t kVersionBytesMax = 96;
constexpr size_t kEntryBytesMax = 40;

}  // namespace

void HintKeeper::CloseLifetime(Lifetime lifetime, const char* why) {
  if (lifetime != minter_.lifetime) return;
  DrawLifetime(env_.random, &minter_);
  env_.tracer.Event(Severity::kAlarm, "LifetimeClosed", {{"why", std::string(why)}});
}

void HintKeeper::Mint(MintCommand command, MemberId target, uint32_t needed, LocalReplica::MintedFn minted,
                      LocalReplica::DurableFn durable) {
  RecordKey key = command.key;
  shelf_.Load(std::move(key),
              [this, command = std::move(command), target, needed, minted = std::move(minted),
               durable = std::move(durable)](absl::StatusOr<const HintShelf::Targets*> targets) mutable {
                if (!targets.ok()) {
                  minted(targets.status());
                  return;
                }
                MintNow(std::move(command), target, needed, **targets, std::move(minted), std::move(durable));
              });
}

absl::Status HintKeeper::CheckMint(const MintCommand& command, MemberId target, const Object& base,
                                   const HintShelf::Targets& targets) {
  if (env_.clock.Now() >= command.deadline) return absl::DeadlineExceededError("the hints were not read in time");
  if (absl::Status fence = Fence(options_.self, command.key, target); !fence.ok()) {
    ++figures_.fenced;
    return absl::UnavailableError(
        absl::StrCat("this node can't stand in for an owner any more: ", std::string(fence.message()), ": retry"));
  }
  if (absl::Status own = CheckOwnEpochs(command.context.vv, minter_); !own.ok()) return own;
  absl::Status status = CheckMutation(command, base, ring_->ConflictOf(command.key.bucket), stamps_, WallMs());
  if (!status.ok()) return status;
  if (absl::Status disk = CheckDisk(shelf_.disk_class(), command.mutation.tombstone); !disk.ok()) return disk;
  const HintKey key{target, command.key};
  const size_t object_bytes = base.EncodedSize() + command.mutation.value.size() + kVersionBytesMax +
                              (command.context.vv.size() + 1) * kEntryBytesMax;
  auto kept = targets.find(target);
  const uint64_t before = kept == targets.end() ? 0 : kept->second.bytes;
  return CheckRoom(static_cast<int64_t>(HintBytes(key, {}) + object_bytes) - static_cast<int64_t>(before));
}

// Whether the mint has to wait until the stamp is covered; it then begins anew, with the hints as they are then.
bool HintKeeper::AwaitStamp(MintCommand* command, MemberId target, uint32_t needed, const Object& base,
                            LocalReplica::MintedFn* minted, LocalReplica::DurableFn* durable) {
  if (ring_->ConflictOf(command->key.bucket) != ConflictPolicy::kLastWriterWins) return false;
  const uint64_t seen = std::max(command->context.hlc_max, base.MaxHlc());
  if (stamps_.Ready(seen, WallMs())) return false;
  stamps_.Await(seen, WallMs(),
                [this, alive = std::weak_ptr<bool>(alive_), command = std::move(*command), target, needed,
                 minted = std::move(*minted), durable = std::move(*durable)](const absl::Status& status) mutable {
                  if (alive.expired()) return;
                  if (status.ok()) {
                    Mint(std::move(command), target, needed, std::move(minted), std::move(durable));
                  } else {
                    minted(status);
                  }
                });
  return true;
}

void HintKeeper::MintNow(MintCommand command, MemberId target, uint32_t needed, const HintShelf::Targets& targets,
                         LocalReplica::MintedFn minted, LocalReplica::DurableFn durable) {
  Object base = MergeOf(command.key, targets);
  if (absl::Status status = CheckMint(command, target, base, targets); !status.ok()) {
    minted(std::move(status));
    return;
  }
  const HintKey key{target, command.key};
  if (const Sibling* former = FindFormerMint(command, base); former != nullptr) {
    // P8: not minted again, but what is found is kept for this target too.
    std::string encoded = base.Encode();
    MintResult result = MintResultOf(base, former->dot, command.context, encoded, WallMs());
    result.found = true;
    Keep(key, std::move(base), std::move(encoded), needed, std::move(durable));
    minted(std::move(result));
    return;
  }
  if (AwaitStamp(&command, target, needed, base, &minted, &durable)) return;
  // From here on nothing can fail until the commit is enqueued (P6). Without a mark: a new epoch (P12).
  MintedVersion made = MintOver(std::move(base), std::nullopt, ring_->ConflictOf(command.key.bucket), WallMs(),
                                &command, &stamps_, &minter_);
  ++figures_.minted;
  Keep(key, std::move(made.version.object), std::move(made.encoded), needed,
       [this, lifetime = made.version.dot.actor.lifetime, durable = std::move(durable)](absl::Status status) mutable {
         // The dot is out there, and its only copy here is not.
         if (!status.ok()) CloseLifetime(lifetime, "a commit failed after its mint");
         durable(std::move(status));
       });
  minted(std::move(made.result));
}

}  // namespace henge
