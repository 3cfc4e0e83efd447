#include "node/grpc/shard_transport.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/runtime/check.h"
#include "node/grpc/frame_codec.h"
#include "node/grpc/frame_sender.h"
#include "node/wire/peer_codec.h"

namespace henge {
namespace {

// Deadlines are looked at together, so a call may end this much late.
constexpr Duration kSweepGrain = std::chrono::milliseconds(5);
constexpr size_t kOutFragmentBytesKept = size_t{1} << 20;

}  // namespace

ShardTransport::ShardTransport(int shard, Executor& loop, const Clock& clock,
                               const std::vector<std::unique_ptr<PeerLink>>& links, size_t calls_max)
    : loop_(loop),
      clock_(clock),
      links_(links),
      calls_max_(std::min(calls_max, PendingCalls::kCallsMax)),
      pending_(shard),
      outgoing_(links.size()),
      counts_(links.size()) {
  HENGE_CHECK(shard >= 0 && shard < PendingCalls::kShardsMax);
}

void ShardTransport::Call(MemberId to, PeerRequest request, MonotonicTime deadline, Callback done) {
  const int peer = IndexOf(to);
  if (peer < 0) return FailLater(std::move(done), absl::UnavailableError(absl::StrCat("no member ", to.value())));
  PeerLink& link = *links_[peer];
  ++counts_[peer].calls;
  const Duration budget = deadline - clock_.Now();
  absl::Status refusal;
  if (!link.connected()) {
    refusal = absl::UnavailableError(absl::StrCat("no connection to ", link.options().name));
  } else if (budget <= Duration::zero()) {
    refusal = absl::DeadlineExceededError("no time was left to ask the peer");
  } else if (counts_[peer].under_way >= calls_max_ || link.waiting_bytes() > link.options().waiting_bytes_max) {
    refusal = absl::ResourceExhaustedError(absl::StrCat("too much waits for ", link.options().name));
  }
  if (!refusal.ok()) {
    ++counts_[peer].failures;
    return FailLater(std::move(done), std::move(refusal));
  }
  const uint64_t id = pending_.Add(peer, request.index(), deadline, std::move(done));
  ++counts_[peer].under_way;
  Encode(peer, id, std::move(request), budget);
  ArmSweep(deadline);
}

int ShardTransport::IndexOf(MemberId member) const {
  for (size_t i = 0; i < links_.size(); ++i) {
    if (links_[i]->options().member == member) return static_cast<int>(i);
  }
  return -1;
}

void ShardTransport::FailLater(Callback done, absl::Status why) {
  if (failing_.empty()) {
    loop_.Post([this] {
      for (auto& [callback, status] : std::exchange(failing_, {})) callback(std::move(status));
    });
  }
  failing_.emplace_back(std::move(done), std::move(why));
}

void ShardTransport::Encode(int peer, uint64_t id, PeerRequest request, Duration budget) {
  Outgoing& out = outgoing_[peer];
  v1::PeerCall& message = scratch_[request.index()];
  PeerRequestToProto(std::move(request), budget, &message);
  message.set_id(id);
  AppendField(v1::PeerFrame::kCallsFieldNumber, message, &out.fragment);
  out.ids.push_back(id);
  if (out.fragment.size() >= kFrameBytesTarget) {
    SendTo(peer);
  } else if (!flush_deferred_) {
    flush_deferred_ = true;
    loop_.AtTurnEnd(TurnPhase::kSend, [this] { Flush(); });
  }
}

void ShardTransport::Flush() {
  flush_deferred_ = false;
  for (size_t peer = 0; peer < outgoing_.size(); ++peer) {
    if (!outgoing_[peer].ids.empty()) SendTo(static_cast<int>(peer));
  }
}

void ShardTransport::SendTo(int peer) {
  Outgoing& out = outgoing_[peer];
  uint64_t stream = 0;
  const absl::Status sent = links_[peer]->Send(out.fragment, &stream);
  for (uint64_t id : out.ids) {
    PendingCalls::Call* call = pending_.Find(id);
    if (call == nullptr) continue;
    if (sent.ok()) {
      call->stream = stream;
    } else {
      FailLater(Take(call, false), sent);
    }
  }
  out.ids.clear();
  out.fragment.clear();
  if (out.fragment.capacity() > kOutFragmentBytesKept) out.fragment.shrink_to_fit();
}

void ShardTransport::PostAnswers(std::vector<Answer> answers) {
  loop_.PostAndHelp([this, answers = std::move(answers)]() mutable {
    for (Answer& answer : answers) {
      PendingCalls::Call* call = pending_.Find(answer.id);
      if (call == nullptr) continue;  // given up before
      if (answer.reply.ok() && answer.reply->index() != call->kind) {
        answer.reply = absl::InternalError("a peer's answer is of another kind than the call");
      }
      Transport::Callback done = Take(call, answer.reply.ok());
      done(std::move(answer.reply));
    }
  });
}

void ShardTransport::PostBroken(int peer, uint64_t stream, absl::Status why) {
  loop_.Post([this, peer, stream, why = std::move(why)] {
    std::vector<Callback> broken =
        TakeAll([&](const PendingCalls::Call& call) { return call.peer == peer && call.stream == stream; });
    const absl::Status status = absl::UnavailableError(
        absl::StrCat("the connection to ", links_[peer]->options().name, " broke: ", why.message()));
    for (Callback& done : broken) done(status);
  });
}

Transport::Callback ShardTransport::Take(PendingCalls::Call* call, bool ok) {
  Counts& counts = counts_[call->peer];
  --counts.under_way;
  if (!ok) ++counts.failures;
  return pending_.Take(call);
}

template <class Matches>
std::vector<Transport::Callback> ShardTransport::TakeAll(Matches matches) {
  std::vector<Callback> taken;
  pending_.ForEach([&](PendingCalls::Call& call) {
    if (matches(call)) taken.push_back(Take(&call, false));
  });
  return taken;
}

void ShardTransport::ArmSweep(MonotonicTime deadline) {
  if (sweep_armed_ && sweep_at_ <= deadline + kSweepGrain) return;
  if (sweep_armed_) loop_.Cancel(sweep_timer_);
  sweep_armed_ = true;
  sweep_at_ = deadline + kSweepGrain;
  sweep_timer_ = loop_.RunAt(sweep_at_, [this] { Sweep(); });
}

void ShardTransport::Sweep() {
  sweep_armed_ = false;
  const MonotonicTime now = clock_.Now();
  std::vector<Callback> late = TakeAll([now](const PendingCalls::Call& call) { return call.deadline <= now; });
  for (Callback& done : late) done(absl::DeadlineExceededError("the peer did not answer in time"));
  // The callbacks may have armed it for a newer call, which need not be the earliest.
  if (const MonotonicTime next = pending_.EarliestDeadline(); next != MonotonicTime::max()) ArmSweep(next);
}

}  // namespace henge
