#include "node/grpc/peer_server.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "henge/v1/peer.grpc.pb.h"
#include "node/fence.h"
#include "node/grpc/channel_settings.h"
#include "node/wire/peer_codec.h"
#include "node/wire/wire_util.h"

namespace henge {
namespace {

constexpr size_t kCallsPerFrameMax = size_t{1} << 17;

}  // namespace

class PeerServer::Stream : public ReplyStream {
 public:
  // `address` is the caller's.
  Stream(PeerServer& server, std::string address)
      : ReplyStream(static_cast<int>(server.shards_.size()), {}), server_(server), address_(std::move(address)) {}

  const std::string& address() const { return address_; }

  void Begin(std::shared_ptr<Stream> self) {
    weak_self_ = self;
    Start(std::move(self));
  }

 private:
  absl::Status OnFrame(FrameParser& parser, const grpc::ByteBuffer& bytes) override {
    auto* frame = parser.Parse<v1::PeerFrame>(bytes);
    if (frame == nullptr) {
      return Refuse(absl::InvalidArgumentError("the bytes are no frame of henge.v1.Peer: the stream is ended"));
    }
    std::shared_ptr<Stream> self = weak_self_.lock();
    if (member_ == MemberId()) {
      if (!frame->has_hello()) {
        return Refuse(absl::InvalidArgumentError("the first frame of a peer must say who it is"));
      }
      if (absl::Status status = server_.Admit(frame->hello(), self); !status.ok()) return status;
      member_ = MemberId(frame->hello().member());
      process_ = frame->hello().process();
      Append(server_.hello_);
    }
    if (static_cast<size_t>(frame->calls_size()) > kCallsPerFrameMax) {
      return Refuse(absl::InvalidArgumentError("too many calls in one frame"));
    }
    if (frame->calls_size() > 0) TakeCalls(frame, self);
    return absl::OkStatus();
  }

  void OnEnded() override { server_.Forget(member_, process_, this); }

  absl::Status Refuse(absl::Status why) {
    server_.NoteBadCall(member_ != MemberId() ? server_.NameOf(member_) : address_, why);
    return why;
  }

  void TakeCalls(v1::PeerFrame* frame, const std::shared_ptr<Stream>& self) {
    const MonotonicTime now = server_.clock_.Now();
    std::vector<std::vector<PeerEdge::Call>> by_shard(server_.shards_.size());
    std::string refusals;
    int64_t calls = 0;
    int64_t bytes = 0;
    for (v1::PeerCall& call : *frame->mutable_calls()) {
      const auto size = static_cast<int64_t>(call.ByteSizeLong());
      absl::StatusOr<PeerRequest> request = PeerRequestFromProto(&call);
      if (!request.ok()) {
        v1::PeerAnswer answer;
        answer.set_id(call.id());
        PeerReplyToProto(Refuse(request.status()), &answer);
        AppendField(v1::PeerFrame::kAnswersFieldNumber, answer, &refusals);
        continue;
      }
      auto& list = by_shard[PartitionOfRequest(*request).value() % by_shard.size()];
      if (list.empty()) list.reserve(frame->calls_size());
      list.push_back({call.id(), now + BudgetFromWire(call.budget_us()), size, *std::move(request)});
      ++calls;
      bytes += size;
    }
    AddInFlight(calls, bytes);
    if (!refusals.empty()) Append(refusals);
    server_.Dispatch(self, member_, std::move(by_shard));
  }

  PeerServer& server_;
  const std::string address_;
  std::weak_ptr<Stream> weak_self_;
  MemberId member_;  // none until the hello
  uint64_t process_ = 0;
};

class PeerServer::Service : public v1::Peer::WithRawCallbackMethod_Stream<v1::Peer::Service> {
 public:
  explicit Service(PeerServer& server) : server_(server) {}

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Stream(grpc::CallbackServerContext* context) override {
    auto stream = std::make_shared<PeerServer::Stream>(server_, context->peer());
    stream->Begin(stream);
    return stream.get();
  }

 private:
  PeerServer& server_;
};

PeerServer::PeerServer(PeerIdentity identity, RingSource ring, std::vector<PeerPort> shards, const Clock& clock,
                       Tracer& tracer)
    : identity_(identity),
      ring_(std::move(ring)),
      shards_(std::move(shards)),
      clock_(clock),
      tracer_(tracer),
      hello_(HelloFragment(identity)),
      service_(std::make_unique<Service>(*this)) {
  for (size_t i = 0; i < shards_.size(); ++i) {
    edges_.push_back(std::make_unique<PeerEdge>(static_cast<int>(i), *shards_[i].loop, *shards_[i].handler));
  }
}

PeerServer::~PeerServer() = default;

void PeerServer::Register(grpc::ServerBuilder* builder) { builder->RegisterService(service_.get()); }

void PeerServer::Close() {
  std::map<MemberId, LiveProcess> processes;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    processes.swap(processes_);
  }
  for (auto& [member, live] : processes) {
    if (auto stream = live.stream.lock()) stream->Finish(absl::UnavailableError("this node is shutting down"));
  }
}

bool PeerServer::MaySay(RepeatGuard* guard, const std::string& thing) {
  std::lock_guard lock(mutex_);
  return guard->MaySay(thing, clock_.Now());
}

std::string PeerServer::NameOf(MemberId member) const { return ring_()->state().NameOf(member); }

void PeerServer::NoteBadCall(const std::string& from, const absl::Status& why) {
  calls_.fetch_add(1, std::memory_order_relaxed);
  const std::string text(why.message());
  if (!MaySay(&calls_said_, absl::StrCat(from, "/", text))) return;
  tracer_.Event(Severity::kWarning, "PeerCallRefused", {{"peer", from}, {"why", text}});
}

absl::Status PeerServer::RefuseForeign(const v1::PeerHello& hello, const std::string& address, absl::Status why) {
  foreign_.fetch_add(1, std::memory_order_relaxed);
  const std::string cluster = absl::StrCat(absl::Hex(hello.cluster(), absl::kZeroPad16));
  const std::string text(why.message());
  if (MaySay(&foreign_said_, absl::StrCat(cluster, "/", hello.member(), "/", text))) {
    tracer_.Event(Severity::kWarning, "ForeignPeerRefused",
                  {{"address", address},
                   {"cluster", cluster},
                   {"member", uint64_t{hello.member()}},
                   {"store", absl::StrCat(absl::Hex(hello.store(), absl::kZeroPad16))},
                   {"why", text}});
  }
  return why;
}

absl::Status PeerServer::CheckCaller(const v1::PeerHello& hello, const std::string& address) {
  const MemberId member(hello.member());
  const RingPtr ring = ring_();
  if (absl::Status known = CheckPeerCluster(ring->state(), ClusterId(hello.cluster()), member); !known.ok()) {
    if (hello.cluster() != identity_.cluster.value() && on_foreign_) on_foreign_(ClusterId(hello.cluster()));
    return RefuseForeign(hello, address, std::move(known));
  }
  if (hello.protocol() != kPeerProtocol) {
    return RefuseForeign(
        hello, address,
        absl::FailedPreconditionError(absl::StrCat("this node speaks peer protocol ", kPeerProtocol, ", the caller ",
                                                   hello.protocol(), ": run versions that fit together")));
  }
  if (member == identity_.self) {
    return RefuseForeign(hello, address, absl::FailedPreconditionError("this node can't be a peer of itself"));
  }
  if (hello.state_version() == ring->version().value() && hello.state_digest() != ring->digest()) {
    foreign_.fetch_add(1, std::memory_order_relaxed);
    const std::string name = NameOf(member);
    if (MaySay(&foreign_said_, "state/" + name)) {
      tracer_.Event(Severity::kAlarm, "ClusterStateDiffers",
                    {{"peer", name}, {"address", address}, {"version", hello.state_version()}});
    }
    return absl::FailedPreconditionError(
        absl::StrCat("the caller's cluster state has this node's version (", hello.state_version(),
                     ") and another content: one of the two has a data directory or an initial cluster that is not "
                     "that of the others"));
  }
  return absl::OkStatus();
}

absl::Status PeerServer::RefuseSecond(const std::string& name, uint64_t process, uint64_t connected,
                                      const std::string& address) {
  seconds_.fetch_add(1, std::memory_order_relaxed);
  if (MaySay(&second_said_, absl::StrCat(name, "/", process))) {
    tracer_.Event(Severity::kAlarm, "SecondProcessRefused",
                  {{"peer", name}, {"address", address}, {"process", process}, {"connected_process", connected}});
  }
  return absl::AlreadyExistsError(
      absl::StrCat("another live process of member ", name, " is connected to this node: stop one of the two"));
}

absl::Status PeerServer::Admit(const v1::PeerHello& hello, const std::shared_ptr<Stream>& stream) {
  if (absl::Status status = CheckCaller(hello, stream->address()); !status.ok()) return status;
  const MemberId member(hello.member());
  std::shared_ptr<Stream> older;
  std::optional<uint64_t> connected;  // another process of this member
  {
    std::lock_guard lock(mutex_);
    if (closed_) return absl::UnavailableError("this node is shutting down");
    LiveProcess& live = processes_[member];
    older = live.stream.lock();
    if (older != nullptr && !older->ended() && live.process != hello.process()) {
      connected = live.process;
    } else {
      live = {hello.process(), stream};
    }
  }
  if (connected.has_value()) return RefuseSecond(NameOf(member), hello.process(), *connected, stream->address());
  // The same process again: it has given up the older connection.
  if (older != nullptr) older->Abort(absl::CancelledError("replaced by a newer connection of the same process"));
  return absl::OkStatus();
}

void PeerServer::Forget(MemberId member, uint64_t process, const Stream* stream) {
  std::lock_guard lock(mutex_);
  auto found = processes_.find(member);
  if (found == processes_.end() || found->second.process != process) return;
  // A newer stream of the same process stays.
  auto current = found->second.stream.lock();
  if (current == nullptr || current.get() == stream) processes_.erase(found);
}

void PeerServer::Dispatch(const std::shared_ptr<Stream>& stream, MemberId from,
                          std::vector<std::vector<PeerEdge::Call>> by_shard) {
  for (size_t i = 0; i < by_shard.size(); ++i) {
    if (by_shard[i].empty()) continue;
    shards_[i].loop->PostAndHelp(
        [edge = edges_[i].get(), stream = stream, from, calls = std::move(by_shard[i])]() mutable {
          edge->Serve(std::move(stream), from, std::move(calls));
        });
  }
}

}  // namespace henge
