#include "node/grpc/client_server.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/model/slot.h"
#include "henge/v1/client.grpc.pb.h"
#include "node/grpc/status_convert.h"
#include "node/wire/client_codec.h"

namespace henge {
namespace {

constexpr int kRequestsPerFrameMax = 1 << 16;
constexpr int64_t kRetryAfterMs = 20;

v1::Reply Refusal(uint64_t id, const absl::Status& status) {
  ClientReply reply;
  reply.status = status;
  reply.outcome = Outcome::kNotApplied;
  if (status.code() == absl::StatusCode::kResourceExhausted) reply.retry_after_ms = kRetryAfterMs;
  v1::Reply message;
  ClientReplyToProto(std::move(reply), &message);
  message.set_id(id);
  return message;
}

// A failure goes into the status of the call, where clients of every language look; what is known of the outcome, and
// when to try again, goes into the trailing metadata.
void FinishUnary(grpc::CallbackServerContext* context, grpc::ServerUnaryReactor* reactor, ClientReply reply,
                 v1::Reply* out) {
  const absl::Status status = reply.status;
  if (!status.ok()) {
    context->AddTrailingMetadata("henge-outcome", reply.outcome == Outcome::kNotApplied ? "not-applied" : "unknown");
    if (reply.retry_after_ms > 0) {
      context->AddTrailingMetadata("henge-retry-after-ms", absl::StrCat(reply.retry_after_ms));
    }
  }
  ClientReplyToProto(std::move(reply), out);
  reactor->Finish(ToGrpc(status));
}

void ScanToProto(absl::StatusOr<ScanResultPage> page, v1::ScanPageReply* out) {
  if (!page.ok()) {
    out->set_code(static_cast<uint32_t>(page.status().code()));
    out->set_message(MessageToWire(page.status()));
    return;
  }
  for (ScanRecord& record : page->records) {
    v1::ScanEntry* entry = out->add_entries();
    entry->set_key(std::move(record.key));
    for (std::string& value : record.values) entry->add_values(std::move(value));
    entry->set_context(std::move(record.context));
  }
  out->set_cursor(std::move(page->cursor));
  out->set_done(page->done);
  out->set_partitions_done(page->partitions_done);
}

}  // namespace

class ClientServer::Session : public ReplyStream {
 public:
  explicit Session(ClientServer& server)
      : ReplyStream(server.node_.shard_count(), server.limits_.stream), server_(server) {}

  void Begin(std::shared_ptr<Session> self) {
    weak_self_ = self;
    if (!server_.Add(self)) Finish(absl::UnavailableError("this node is shutting down: use another one"));
    Start(std::move(self));
  }

 private:
  absl::Status OnFrame(FrameParser& parser, const grpc::ByteBuffer& bytes) override {
    auto* frame = parser.Parse<v1::ClientFrame>(bytes);
    if (frame == nullptr) {
      return absl::InvalidArgumentError(
          "the bytes are no henge.v1.ClientFrame: the stream is ended, its other requests "
          "may have been applied");
    }
    if (frame->requests_size() > kRequestsPerFrameMax) {
      return absl::InvalidArgumentError(
          absl::StrCat(frame->requests_size(), " requests in one frame, the limit is ", kRequestsPerFrameMax));
    }
    std::vector<std::vector<ClientEdge::Call>> by_shard(server_.edges_.size());
    std::string refusals;
    int64_t calls = 0;
    int64_t size_sum = 0;
    const absl::Status barred = server_.bar_();
    for (v1::Request& message : *frame->mutable_requests()) {
      const auto size = static_cast<int64_t>(message.key().size() + message.value().size() + message.context().size());
      absl::Status refused = barred.ok() ? Admit(calls, size_sum + size) : barred;
      absl::StatusOr<ClientRequest> request = refused.ok() ? ClientRequestFromProto(&message) : refused;
      if (!request.ok()) {
        AppendField(v1::ServerFrame::kRepliesFieldNumber, Refusal(message.id(), request.status()), &refusals);
        continue;
      }
      const PartitionId partition = PartitionOf(request->key);
      auto& list = by_shard[static_cast<size_t>(server_.node_.ShardOfPartition(partition))];
      if (list.empty()) list.reserve(frame->requests_size());
      list.push_back({message.id(), size, *std::move(request)});
      ++calls;
      size_sum += size;
    }
    AddInFlight(calls, size_sum);
    if (!refusals.empty()) Append(refusals);
    server_.Dispatch(weak_self_.lock(), std::move(by_shard));
    return absl::OkStatus();
  }

  void OnEnded() override { server_.Remove(this); }

  absl::Status Admit(int64_t calls, int64_t bytes) const {
    const SessionLimits& limits = server_.limits_;
    if (calls_in_flight() + calls < limits.calls_max && bytes_in_flight() + bytes <= limits.bytes_max) {
      return absl::OkStatus();
    }
    return absl::ResourceExhaustedError(absl::StrCat("this stream has too much under way (limits: ", limits.calls_max,
                                                     " requests, ", limits.bytes_max, " bytes): wait for replies"));
  }

  ClientServer& server_;
  std::weak_ptr<Session> weak_self_;
};

class ClientServer::Service
    : public v1::Kv::WithRawCallbackMethod_Session<v1::Kv::WithCallbackMethod_Get<v1::Kv::WithCallbackMethod_Put<
          v1::Kv::WithCallbackMethod_Delete<v1::Kv::WithCallbackMethod_Scan<v1::Kv::Service>>>>> {
 public:
  explicit Service(ClientServer& server) : server_(server) {}

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Session(grpc::CallbackServerContext*) override {
    auto session = std::make_shared<ClientServer::Session>(server_);
    session->Begin(session);
    return session.get();
  }

  grpc::ServerUnaryReactor* Get(grpc::CallbackServerContext* context, const v1::Request* request,
                                v1::Reply* reply) override {
    return Unary(context, request, reply, v1::OP_GET);
  }
  grpc::ServerUnaryReactor* Put(grpc::CallbackServerContext* context, const v1::Request* request,
                                v1::Reply* reply) override {
    return Unary(context, request, reply, v1::OP_PUT);
  }
  grpc::ServerUnaryReactor* Delete(grpc::CallbackServerContext* context, const v1::Request* request,
                                   v1::Reply* reply) override {
    return Unary(context, request, reply, v1::OP_DELETE);
  }

  grpc::ServerUnaryReactor* Scan(grpc::CallbackServerContext* context, const v1::ScanPageRequest* request,
                                 v1::ScanPageReply* reply) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    if (absl::Status barred = server_.bar_(); !barred.ok()) {
      ScanToProto(std::move(barred), reply);
      reactor->Finish(grpc::Status::OK);
      return reactor;
    }
    ScanQuery query;
    query.bucket = request->bucket();
    query.cursor = request->cursor();
    query.prefix = request->prefix();
    query.bytes_max = request->bytes_max();
    query.quorum = request->quorum();
    query.has_quorum = request->has_quorum();
    query.budget = BudgetFromWire(request->budget_us());
    server_.node_.Scan(std::move(query), [reactor, reply](absl::StatusOr<ScanResultPage> page) {
      ScanToProto(std::move(page), reply);
      reactor->Finish(grpc::Status::OK);
    });
    return reactor;
  }

 private:
  grpc::ServerUnaryReactor* Unary(grpc::CallbackServerContext* context, const v1::Request* request, v1::Reply* reply,
                                  v1::Op op) {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    v1::Request message = *request;
    message.set_op(op);
    reply->set_id(message.id());
    const absl::Status barred = server_.bar_();
    absl::StatusOr<ClientRequest> decoded = barred.ok() ? ClientRequestFromProto(&message) : barred;
    if (!decoded.ok()) {
      ClientReply refusal;
      refusal.status = decoded.status();
      refusal.outcome = Outcome::kNotApplied;
      FinishUnary(context, reactor, std::move(refusal), reply);
      return reactor;
    }
    server_.node_.Submit(*std::move(decoded), [context, reactor, reply](ClientReply answer) {
      FinishUnary(context, reactor, std::move(answer), reply);
    });
    return reactor;
  }

  ClientServer& server_;
};

ClientServer::ClientServer(Node& node, SessionLimits limits, Bar bar)
    : node_(node), limits_(limits), bar_(std::move(bar)), service_(std::make_unique<Service>(*this)) {
  for (int i = 0; i < node.shard_count(); ++i) edges_.push_back(std::make_unique<ClientEdge>(i, node));
}

ClientServer::~ClientServer() = default;

void ClientServer::Register(grpc::ServerBuilder* builder) { builder->RegisterService(service_.get()); }

void ClientServer::Close() {
  std::set<std::shared_ptr<Session>> sessions;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    sessions.swap(sessions_);
  }
  for (const auto& session : sessions) {
    session->Finish(absl::UnavailableError("this node is shutting down: use another one"));
  }
}

void ClientServer::Dispatch(const std::shared_ptr<Session>& session,
                            std::vector<std::vector<ClientEdge::Call>> by_shard) {
  for (size_t i = 0; i < by_shard.size(); ++i) {
    if (by_shard[i].empty()) continue;
    const int shard = static_cast<int>(i);
    std::shared_ptr<ReplyStream> stream = session;
    node_.executor(shard).PostAndHelp(
        [edge = edges_[i].get(), stream = std::move(stream), calls = std::move(by_shard[i])]() mutable {
          edge->Serve(std::move(stream), std::move(calls));
        });
  }
}

bool ClientServer::Add(const std::shared_ptr<Session>& session) {
  std::lock_guard lock(mutex_);
  if (closed_) return false;
  sessions_.insert(session);
  return true;
}

void ClientServer::Remove(Session* session) {
  std::shared_ptr<Session> removed;
  std::lock_guard lock(mutex_);
  for (auto it = sessions_.begin(); it != sessions_.end(); ++it) {
    if (it->get() != session) continue;
    removed = *it;
    sessions_.erase(it);
    return;
  }
}

}  // namespace henge
