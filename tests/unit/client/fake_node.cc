#include "tests/unit/client/fake_node.h"

#include <gmock/gmock.h>
#include <grpcpp/server_builder.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/model/ring.h"
#include "core/model/slot.h"

namespace henge {

class FakeNode::KvService final : public v1::Kv::Service {
 public:
  explicit KvService(FakeNode& node) : node_(node) {}

  grpc::Status Session(grpc::ServerContext* context,
                       grpc::ServerReaderWriter<v1::ServerFrame, v1::ClientFrame>* stream) override {
    stream->SendInitialMetadata();
    {
      std::lock_guard lock(node_.mutex_);
      node_.streams_.insert(context);
      node_.changed_.notify_all();
    }
    v1::ClientFrame frame;
    while (stream->Read(&frame)) {
      ++node_.frames_;
      if (!Answer(frame, stream)) break;
    }
    std::lock_guard lock(node_.mutex_);
    node_.streams_.erase(context);
    return grpc::Status::OK;
  }

  grpc::Status Scan(grpc::ServerContext*, const v1::ScanPageRequest* request, v1::ScanPageReply* reply) override {
    ScanHandler handler;
    {
      std::lock_guard lock(node_.mutex_);
      handler = node_.scan_handler_;
    }
    if (!handler) return {grpc::StatusCode::UNIMPLEMENTED, "no scan here"};
    *reply = handler(*request);
    return grpc::Status::OK;
  }

 private:
  bool Answer(const v1::ClientFrame& frame, grpc::ServerReaderWriter<v1::ServerFrame, v1::ClientFrame>* stream) {
    v1::ServerFrame answer;
    for (const v1::Request& request : frame.requests()) {
      Handler handler;
      {
        std::lock_guard lock(node_.mutex_);
        node_.requests_.push_back(request);
        handler = node_.handler_;
        node_.changed_.notify_all();
      }
      auto reply = handler(request);
      if (!reply.has_value()) continue;
      reply->set_id(request.id());
      *answer.add_replies() = *std::move(reply);
    }
    answer.set_state_version(node_.announced_version_);
    return answer.replies_size() == 0 || stream->Write(answer);
  }

  FakeNode& node_;
};

class FakeNode::AdminService final : public v1::Admin::Service {
 public:
  explicit AdminService(FakeNode& node) : node_(node) {}

  grpc::Status GetClusterState(grpc::ServerContext*, const v1::ClusterStateRequest*,
                               v1::ClusterStateReply* reply) override {
    ++node_.state_fetches_;
    std::lock_guard lock(node_.mutex_);
    reply->set_state(node_.state_);
    reply->set_version(node_.version_);
    return grpc::Status::OK;
  }

  grpc::Status GetNodeStatus(grpc::ServerContext*, const v1::NodeStatusRequest*, v1::NodeStatusReply* reply) override {
    std::lock_guard lock(node_.mutex_);
    *reply = node_.status_;
    return grpc::Status::OK;
  }

  grpc::Status Explain(grpc::ServerContext*, const v1::ExplainRequest*, v1::ExplainReply* reply) override {
    std::lock_guard lock(node_.mutex_);
    *reply = node_.explanation_;
    return grpc::Status::OK;
  }

  grpc::Status ChangeBucket(grpc::ServerContext*, const v1::ChangeBucketRequest* request,
                            v1::ChangeBucketReply* reply) override {
    BucketHandler handler;
    {
      std::lock_guard lock(node_.mutex_);
      handler = node_.bucket_handler_;
    }
    if (handler == nullptr) return {grpc::StatusCode::UNIMPLEMENTED, "no buckets here"};
    *reply = handler(*request);
    return grpc::Status::OK;
  }

  grpc::Status Recover(grpc::ServerContext*, const v1::RecoverRequest* request, v1::RecoverReply* reply) override {
    RecoverHandler handler;
    {
      std::lock_guard lock(node_.mutex_);
      handler = node_.recover_handler_;
    }
    if (handler == nullptr) return {grpc::StatusCode::UNIMPLEMENTED, "not here"};
    *reply = handler(*request);
    return grpc::Status::OK;
  }

  grpc::Status Bootstrap(grpc::ServerContext*, const v1::BootstrapRequest* request,
                         v1::BootstrapReply* reply) override {
    BootstrapHandler handler;
    {
      std::lock_guard lock(node_.mutex_);
      handler = node_.bootstrap_handler_;
    }
    if (handler == nullptr) return {grpc::StatusCode::UNIMPLEMENTED, "not here"};
    *reply = handler(*request);
    return grpc::Status::OK;
  }

 private:
  FakeNode& node_;
};

FakeNode::FakeNode() : kv_(new KvService(*this)), admin_(new AdminService(*this)) {
  handler_ = [](const v1::Request&) { return Ok(); };
  Serve("127.0.0.1:0");
}

FakeNode::~FakeNode() { Stop(); }

void FakeNode::Serve(const std::string& address) {
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(kv_.get());
  builder.RegisterService(admin_.get());
  server_ = builder.BuildAndStart();
  ASSERT_NE(server_, nullptr) << address;
  address_ = absl::StrCat("127.0.0.1:", port);
}

void FakeNode::OnRequest(Handler handler) {
  std::lock_guard lock(mutex_);
  handler_ = std::move(handler);
}

void FakeNode::OnChangeBucket(BucketHandler handler) {
  std::lock_guard lock(mutex_);
  bucket_handler_ = std::move(handler);
}

void FakeNode::OnRecover(RecoverHandler handler) {
  std::lock_guard lock(mutex_);
  recover_handler_ = std::move(handler);
}

void FakeNode::OnBootstrap(BootstrapHandler handler) {
  std::lock_guard lock(mutex_);
  bootstrap_handler_ = std::move(handler);
}

void FakeNode::OnScan(ScanHandler handler) {
  std::lock_guard lock(mutex_);
  scan_handler_ = std::move(handler);
}

void FakeNode::SetState(const ClusterState& state) {
  std::lock_guard lock(mutex_);
  state_ = state.Encode();
  version_ = state.version.value();
}

void FakeNode::SetStatus(v1::NodeStatusReply status) {
  std::lock_guard lock(mutex_);
  status_ = std::move(status);
}

void FakeNode::SetExplanation(v1::ExplainReply explanation) {
  std::lock_guard lock(mutex_);
  explanation_ = std::move(explanation);
}

void FakeNode::BreakStreams() {
  std::lock_guard lock(mutex_);
  for (grpc::ServerContext* context : streams_) context->TryCancel();
}

void FakeNode::Stop() {
  if (server_ == nullptr) return;
  BreakStreams();
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
  server_.reset();
}

void FakeNode::StartAgain() { Serve(address_); }

std::vector<v1::Request> FakeNode::requests() const {
  std::lock_guard lock(mutex_);
  return requests_;
}

void FakeNode::AwaitRequests(size_t count) {
  std::unique_lock lock(mutex_);
  ASSERT_TRUE(changed_.wait_for(lock, std::chrono::seconds(20), [&] { return requests_.size() >= count; }));
}

void FakeNode::AwaitStreams(size_t count) {
  std::unique_lock lock(mutex_);
  ASSERT_TRUE(changed_.wait_for(lock, std::chrono::seconds(20), [&] { return streams_.size() >= count; }));
}

FakeCluster::FakeCluster(int nodes, uint32_t replicas) {
  std::vector<InitialMember> members;
  for (int i = 0; i < nodes; ++i) {
    nodes_.push_back(std::make_unique<FakeNode>());
    members.push_back({absl::StrCat("n", i + 1), nodes_.back()->address(), absl::StrCat("127.0.0.1:", 1 + i), "", 100});
  }
  auto state = MakeInitialState("test", replicas, members);
  EXPECT_TRUE(state.ok()) << state.status();
  state_ = *std::move(state);
  for (auto& node : nodes_) node->SetState(state_);
}

std::string FakeCluster::endpoints() const {
  return absl::StrJoin(nodes_, ",", [](std::string* out, const auto& node) { out->append(node->address()); });
}

size_t FakeCluster::OwnerIndex(const std::string& key, size_t position) const {
  return state_.owners[PartitionOf(key).value()][position].value() - 1;
}

FakeNode& FakeCluster::Owner(const std::string& key, size_t position) { return *nodes_[OwnerIndex(key, position)]; }

std::string FakeCluster::KeyOwnedBy(size_t i) const {
  for (int n = 0;; ++n) {
    std::string key = absl::StrCat("key", n);
    if (OwnerIndex(key, 0) == i) return key;
  }
}

void FakeCluster::OnRequest(const FakeNode::Handler& handler) {
  for (auto& node : nodes_) node->OnRequest(handler);
}

void FakeCluster::AwaitStreams() {
  for (auto& node : nodes_) node->AwaitStreams(1);
}

size_t FakeCluster::request_count() const {
  size_t count = 0;
  for (const auto& node : nodes_) count += node->requests().size();
  return count;
}

v1::Reply Ok() {
  v1::Reply reply;
  reply.set_outcome(v1::OUTCOME_APPLIED);
  return reply;
}

v1::Reply OkValue(std::string value) {
  v1::Reply reply;
  reply.add_values(std::move(value));
  reply.set_context("context");
  return reply;
}

v1::Reply Failure(int code, std::string message, v1::Outcome outcome) {
  v1::Reply reply;
  reply.set_code(code);
  reply.set_message(std::move(message));
  reply.set_outcome(outcome);
  return reply;
}

}  // namespace henge
