// What a replica answers the peers, and what it refuses: other layout epochs (P33), other buckets (P34).
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/model/limits.h"
#include "node/fence.h"
#include "node/replica_impl.h"

namespace henge {
namespace {

constexpr uint32_t kScanBytesDefault = 1 << 20;

}  // namespace

absl::Status Replica::Impl::Fence(PartitionId partition, LayoutEpoch epoch) {
  if (partition.value() >= kPartitionCount) {
    return absl::InvalidArgumentError(absl::StrCat("there is no partition ", partition.value()));
  }
  if (!IsOwner(partition)) {
    ++figures_.fenced;
    return absl::FailedPreconditionError(absl::StrCat("this node is no owner of partition ", partition.value(),
                                                      " in cluster state version ", ring_->version().value()));
  }
  absl::Status status = CheckEpoch(*ring_, partition, epoch);
  if (!status.ok()) ++figures_.fenced;
  return status;
}

absl::Status Replica::Impl::CheckKey(const RecordKey& key) const { return CheckRecordKey(*ring_, key); }

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

namespace {

void ServeRead(Replica& replica, ReadRequest request, Replica::PeerReplyFn reply) {
  LocalReplica::ReadFn answer = [known = request.known_digest,
                                 reply = std::move(reply)](absl::StatusOr<ReadReply> read) mutable {
    if (!read.ok()) {
      reply(std::move(read).status());
      return;
    }
    if (known.has_value() && read->found && ObjectDigest(read->object) == *known) {
      read->same = true;
      read->object.clear();
    }
    reply(PeerReply(*std::move(read)));
  };
  if (request.for_exchange) {
    replica.ReadStored(std::move(request.key), std::move(answer));
  } else {
    replica.Read(std::move(request.key), std::move(answer));
  }
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
    if (fence.ok()) fence = impl_->CheckWhole(scan->partition);
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
