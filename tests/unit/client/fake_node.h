// A node for the SDK's tests: real gRPC on a free port of the loopback, and answers that the test decides.
#pragma once

#include <grpcpp/server.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/model/cluster_state.h"
#include "henge/v1/admin.grpc.pb.h"
#include "henge/v1/client.grpc.pb.h"

namespace henge {

class FakeNode {
 public:
  // Nothing = no answer to this request, ever.
  using Handler = std::function<std::optional<v1::Reply>(const v1::Request&)>;
  using ScanHandler = std::function<v1::ScanPageReply(const v1::ScanPageRequest&)>;

  FakeNode();
  ~FakeNode();

  const std::string& address() const { return address_; }

  void OnRequest(Handler handler);
  void OnScan(ScanHandler handler);
  // What GetClusterState answers from now on.
  void SetState(const ClusterState& state);
  void SetStatus(v1::NodeStatusReply status);
  void SetExplanation(v1::ExplainReply explanation);
  using BucketHandler = std::function<v1::ChangeBucketReply(const v1::ChangeBucketRequest&)>;
  void OnChangeBucket(BucketHandler handler);
  using BootstrapHandler = std::function<v1::BootstrapReply(const v1::BootstrapRequest&)>;
  void OnBootstrap(BootstrapHandler handler);
  using RecoverHandler = std::function<v1::RecoverReply(const v1::RecoverRequest&)>;
  void OnRecover(RecoverHandler handler);
  // What the next frames name as the version of the cluster state; 0 = none.
  void AnnounceVersion(uint64_t version) { announced_version_ = version; }

  // Ends the streams that stand, under the requests that are not answered yet.
  void BreakStreams();
  // No connection is taken any more; streams break. Start again serves at the same address.
  void Stop();
  void StartAgain();

  std::vector<v1::Request> requests() const;
  size_t frames() const { return frames_; }
  size_t state_fetches() const { return state_fetches_; }
  // Blocks until `count` requests have come.
  void AwaitRequests(size_t count);
  // Blocks until `count` streams stand.
  void AwaitStreams(size_t count);

 private:
  class KvService;
  class AdminService;

  void Serve(const std::string& address);

  std::unique_ptr<KvService> kv_;
  std::unique_ptr<AdminService> admin_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
  std::atomic<uint64_t> announced_version_{0};
  std::atomic<size_t> frames_{0};
  std::atomic<size_t> state_fetches_{0};

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Handler handler_;
  ScanHandler scan_handler_;
  BucketHandler bucket_handler_;
  BootstrapHandler bootstrap_handler_;
  RecoverHandler recover_handler_;
  std::string state_;
  uint64_t version_ = 0;
  v1::NodeStatusReply status_;
  v1::ExplainReply explanation_;
  std::vector<v1::Request> requests_;
  std::set<grpc::ServerContext*> streams_;
};

// Some fake nodes as one cluster, whose state each of them tells.
class FakeCluster {
 public:
  explicit FakeCluster(int nodes, uint32_t replicas = 3);

  FakeNode& node(size_t i) { return *nodes_[i]; }
  size_t size() const { return nodes_.size(); }
  // All addresses, as Client::Connect takes them.
  std::string endpoints() const;
  const ClusterState& state() const { return state_; }
  // The node that is the `position`-th owner of `key`.
  FakeNode& Owner(const std::string& key, size_t position = 0);
  // A key whose first owner is node `i`.
  std::string KeyOwnedBy(size_t i) const;
  void OnRequest(const FakeNode::Handler& handler);
  void AwaitStreams();
  size_t request_count() const;

 private:
  size_t OwnerIndex(const std::string& key, size_t position) const;

  std::vector<std::unique_ptr<FakeNode>> nodes_;
  ClusterState state_;
};

// Replies.
v1::Reply Ok();
v1::Reply OkValue(std::string value);
v1::Reply Failure(int code, std::string message, v1::Outcome outcome = v1::OUTCOME_UNSPECIFIED);

}  // namespace henge
