#include "node/grpc/node_process.h"

#include <algorithm>
#include <future>
#include <thread>
#include <utility>
#include <vector>

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include "absl/strings/str_cat.h"
#include "core/runtime/status_macros.h"
#include "node/grpc/admin_server.h"
#include "node/grpc/channel_settings.h"
#include "node/grpc/client_server.h"
#include "node/grpc/listen_address.h"
#include "node/grpc/peer_hub.h"
#include "node/grpc/peer_server.h"
#include "node/grpc/poller_limit.h"
#include "node/identity.h"
#include "node/node.h"
#include "node/real/batch_worker_thread.h"
#include "node/real/loop_executor.h"
#include "node/real/os_random.h"
#include "node/state/state_store.h"

namespace henge {
namespace {

constexpr int kShardsDefaultMax = 8;
constexpr int kClientStreamsMax = 1024;
constexpr int kPeerStreamsMax = 64;
constexpr int kServerThreadsMax = 16;
constexpr auto kServerShutdownTime = std::chrono::seconds(1);
// Long enough for each client that doesn't watch the health to be told once that this node is going.
constexpr Duration kLingerTime = std::chrono::milliseconds(200);
constexpr char kKvServiceName[] = "henge.v1.Kv";

int ShardCount(const NodeConfig& config) {
  if (config.shards > 0) return config.shards;
  // The other half of the cores is for the connections, the commits and RocksDB; more loops make smaller batches.
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()) / 2, 1, kShardsDefaultMax);
}

}  // namespace

// Members stand in the order in which they are made; what is above outlives what is below.
class NodeProcess::Impl {
 public:
  Impl(NodeConfig config, Clock& clock, Tracer& tracer, StopEvent& stop)
      : config_(std::move(config)), clock_(clock), tracer_(tracer), stop_(stop) {}
  ~Impl();

  absl::Status Start();
  bool Shutdown(Duration patience);

  const NodeConfig& config() const { return config_; }
  const Node& node() const { return *node_; }

 private:
  absl::Status OpenStore();
  absl::StatusOr<ClusterState> MakeState();
  absl::Status MakeNode(ClusterState state);
  PeerHubOptions HubOptions(const ClusterState& state, MemberId self, const Ring& ring);
  void MakeServers();
  absl::Status Listen();
  absl::StatusOr<std::unique_ptr<grpc::Server>> StartServer(grpc::ServerBuilder* builder, const std::string& address);
  void SetServing(bool serving);
  void StopServers();
  void CloseStores();
  void StopLoops();

  NodeConfig config_;
  Clock& clock_;
  Tracer& tracer_;
  StopEvent& stop_;
  PollerLimit poller_limit_;
  ThreadWorkerFactory workers_;
  std::unique_ptr<StoreEngine> engine_;
  std::unique_ptr<HintStore> hints_;
  std::vector<std::unique_ptr<OsRandom>> randoms_;
  std::vector<std::unique_ptr<LoopExecutor>> loops_;
  PeerIdentity identity_;
  std::unique_ptr<PeerHub> hub_;
  std::unique_ptr<Node> node_;
  std::unique_ptr<PeerServer> peers_;
  std::unique_ptr<ClientServer> clients_;
  std::unique_ptr<AdminServer> admin_;
  std::unique_ptr<grpc::Server> peer_listener_;
  std::unique_ptr<grpc::Server> client_listener_;
};

NodeProcess::Impl::~Impl() {
  StopServers();
  StopLoops();
  // What is posted and armed in the loops goes first: it points at everything else. Then the engine: its workers may
  // still hand something to a loop.
  node_.reset();
  CloseStores();
}

absl::Status NodeProcess::Impl::Start() {
  HENGE_ASSIGN_OR_RETURN(config_.client_listen, WithFreePort(config_.client_listen));
  HENGE_ASSIGN_OR_RETURN(config_.peer_listen, WithFreePort(config_.peer_listen));
  HENGE_RETURN_IF_ERROR(OpenStore());
  HENGE_ASSIGN_OR_RETURN(ClusterState state, MakeState());
  HENGE_RETURN_IF_ERROR(MakeNode(std::move(state)));
  MakeServers();
  for (auto& loop : loops_) loop->Start();
  HENGE_RETURN_IF_ERROR(Listen());
  hub_->Connect();
  SetServing(true);
  return absl::OkStatus();
}

absl::Status NodeProcess::Impl::OpenStore() {
  auto on_fatal = [&stop = stop_](absl::Status why) {
    stop.Set({true, absl::StrCat("the store failed: ", why.ToString())});
  };
  HENGE_ASSIGN_OR_RETURN(engine_, OpenStoreEngine(config_.store, workers_, tracer_, on_fatal));
  HENGE_ASSIGN_OR_RETURN(hints_, OpenHintStore(HintStoreOptions(config_.store), workers_, tracer_, on_fatal));
  return absl::OkStatus();
}

absl::StatusOr<ClusterState> NodeProcess::Impl::MakeState() {
  if (!config_.single()) return MakeInitialState(config_.token, config_.replicas, config_.members);
  std::string token = config_.token;
  if (token.empty()) {
    OsRandom random;
    HENGE_ASSIGN_OR_RETURN(token, LoadOrDrawToken(*engine_, random));
  }
  // The cluster's id must not depend on where a single node listens today: the addresses are filled in afterwards.
  InitialMember self;
  self.name = config_.name;
  HENGE_ASSIGN_OR_RETURN(ClusterState state, MakeInitialState(token, config_.replicas, {self}));
  state.members[0].client_address = config_.client_advertise.empty() ? config_.client_listen : config_.client_advertise;
  state.members[0].peer_address = config_.peer_listen;
  return state;
}

PeerHubOptions NodeProcess::Impl::HubOptions(const ClusterState& state, MemberId self, const Ring& ring) {
  identity_.self = self;
  identity_.store = engine_->store_id();
  identity_.process = OsRandom().Next64();
  identity_.cluster = state.cluster;
  identity_.state_version = state.version;
  identity_.state_digest = ring.digest();
  PeerHubOptions options;
  options.identity = identity_;
  options.waiting_bytes_max = config_.peer_queue_bytes_max;
  for (const Member& member : state.members) {
    if (member.id == self) continue;
    const auto dialled = config_.peer_dial.find(member.name);
    options.peers.push_back(
        {member.id, member.name, dialled == config_.peer_dial.end() ? member.peer_address : dialled->second});
  }
  return options;
}

absl::Status NodeProcess::Impl::MakeNode(ClusterState state) {
  const Member* self = state.FindMemberByName(config_.name);
  if (self == nullptr) return absl::InvalidArgumentError(absl::StrCat("no member is named ", config_.name));
  const MemberId self_id = self->id;
  HENGE_RETURN_IF_ERROR(ClaimStore(*engine_, state, self_id));
  HENGE_ASSIGN_OR_RETURN(StoredState stored, LoadState(*engine_, state, self_id));
  state = std::move(stored.state);
  std::vector<Executor*> loops;
  for (int i = 0; i < ShardCount(config_); ++i) {
    randoms_.push_back(std::make_unique<OsRandom>());
    loops_.push_back(std::make_unique<LoopExecutor>(clock_, LoopOptions{.name = absl::StrCat("henge-shard-", i)}));
    loops.push_back(loops_.back().get());
  }
  hub_ = std::make_unique<PeerHub>(HubOptions(state, self_id, Ring(state)), loops, clock_, tracer_);
  NodeOptions options;
  options.self = self_id;
  options.coordinator = config_.coordinator;
  options.record_cache_bytes = config_.record_cache_bytes;
  options.hint_bytes_max = config_.hint_bytes_max;
  options.hint_budget.bytes_per_second_max = config_.hint_bytes_per_second;
  options.gossip = config_.gossip;
  options.scrub.pause = config_.scrub_pause;
  options.state = std::move(state);
  options.on_recovered = [&stop = stop_] {
    stop.Set({.text = "the cluster was recovered under another id", .restart = true});
  };
  NodeEnvironment environment{{}, *engine_, hints_.get()};
  for (size_t i = 0; i < loops_.size(); ++i) {
    environment.shards.push_back({clock_, *loops_[i], *randoms_[i], hub_->transport(static_cast<int>(i)), tracer_});
  }
  node_ = std::make_unique<Node>(std::move(options), std::move(environment));
  return node_->Start();
}

void NodeProcess::Impl::MakeServers() {
  std::vector<PeerPort> ports;
  ports.reserve(static_cast<size_t>(node_->shard_count()));
  for (int i = 0; i < node_->shard_count(); ++i) ports.push_back({loops_[i].get(), &node_->shard(i)});
  peers_ = std::make_unique<PeerServer>(
      identity_, [this] { return node_->ring(); }, std::move(ports), clock_, tracer_);
  peers_->OnForeign([this](ClusterId cluster) { node_->MeetForeign(cluster); });
  hub_->OnGivenUp([this](MemberId by, std::string why) { node_->NoteGivenUp(by, std::move(why)); });
  SessionLimits limits;
  clients_ = std::make_unique<ClientServer>(*node_, limits, [this] { return hub_->CheckOnlyProcess(); });
  admin_ = std::make_unique<AdminServer>(*node_, *hub_, *peers_, clock_);
}

absl::Status NodeProcess::Impl::Listen() {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ResourceQuota quota("henged");
  quota.Resize(config_.network_memory_bytes_max);
  quota.SetMaxThreads(kServerThreadsMax);

  grpc::ServerBuilder peers;
  ConfigureServer(&peers, kPeerFrameBytesMax, kPeerStreamsMax);
  peers.SetResourceQuota(quota);
  peers_->Register(&peers);
  HENGE_ASSIGN_OR_RETURN(peer_listener_, StartServer(&peers, config_.peer_listen));

  grpc::ServerBuilder clients;
  ConfigureServer(&clients, kClientFrameBytesMax, kClientStreamsMax);
  clients.SetResourceQuota(quota);
  clients_->Register(&clients);
  admin_->Register(&clients);
  HENGE_ASSIGN_OR_RETURN(client_listener_, StartServer(&clients, config_.client_listen));
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<grpc::Server>> NodeProcess::Impl::StartServer(grpc::ServerBuilder* builder,
                                                                             const std::string& address) {
  int port = 0;
  builder->AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
  std::unique_ptr<grpc::Server> server = builder->BuildAndStart();
  if (server == nullptr || port == 0) return ExplainListenFailure(address);
  return server;
}

void NodeProcess::Impl::SetServing(bool serving) {
  for (grpc::Server* server : {client_listener_.get(), peer_listener_.get()}) {
    if (server != nullptr && server->GetHealthCheckService() != nullptr) {
      server->GetHealthCheckService()->SetServingStatus(serving);
      server->GetHealthCheckService()->SetServingStatus(kKvServiceName, serving);
    }
  }
}

bool NodeProcess::Impl::Shutdown(Duration patience) {
  SetServing(false);
  admin_->SetDraining();
  auto idle = std::make_shared<std::promise<void>>();
  std::future<void> drained = idle->get_future();
  node_->Drain([idle] { idle->set_value(); });
  if (drained.wait_for(patience) == std::future_status::ready) {
    // Calls that come now are told UNAVAILABLE; once the listeners are closed, gRPC would call them cancelled.
    std::this_thread::sleep_for(std::min<Duration>(patience, kLingerTime));
    StopServers();
    return true;
  }
  tracer_.Event(Severity::kWarning, "DrainTimedOut", {});
  StopLoops();
  CloseStores();
  return false;
}

void NodeProcess::Impl::CloseStores() {
  absl::Status status = hints_ != nullptr ? hints_->Close() : absl::OkStatus();
  if (engine_ != nullptr) status.Update(engine_->Close());
  if (!status.ok()) tracer_.Event(Severity::kError, "StoreCloseFailed", {{"status", status.ToString()}});
}

void NodeProcess::Impl::StopServers() {
  if (clients_ != nullptr) clients_->Close();
  if (client_listener_ != nullptr) {
    client_listener_->Shutdown(std::chrono::system_clock::now() + kServerShutdownTime);
    client_listener_.reset();
  }
  if (hub_ != nullptr) hub_->Stop();
  if (peers_ != nullptr) peers_->Close();
  if (peer_listener_ != nullptr) {
    peer_listener_->Shutdown(std::chrono::system_clock::now() + kServerShutdownTime);
    peer_listener_.reset();
  }
}

void NodeProcess::Impl::StopLoops() {
  for (auto& loop : loops_) loop->Stop();
  for (auto& loop : loops_) loop->Join();
}

// ---- NodeProcess
// -----------------------------------------------------------------------------------------------------

NodeProcess::NodeProcess(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
NodeProcess::~NodeProcess() = default;

absl::StatusOr<std::unique_ptr<NodeProcess>> NodeProcess::Start(const NodeConfig& config, Clock& clock, Tracer& tracer,
                                                                StopEvent& stop) {
  auto impl = std::make_unique<Impl>(config, clock, tracer, stop);
  HENGE_RETURN_IF_ERROR(impl->Start());
  return std::unique_ptr<NodeProcess>(new NodeProcess(std::move(impl)));
}

const std::string& NodeProcess::client_address() const { return impl_->config().client_listen; }
const std::string& NodeProcess::peer_address() const { return impl_->config().peer_listen; }

std::string NodeProcess::Banner() const {
  const NodeConfig& config = impl_->config();
  const RingPtr ring = impl_->node().ring();
  const ClusterState& state = ring->state();
  return absl::StrCat("henged serves as ", config.name, " of a cluster of ", state.members.size(), ", each key on ",
                      std::min<size_t>(state.replicas, state.members.size()), " of them\n  clients  ",
                      config.client_listen, "\n  peers    ", config.peer_listen, "\n  data     ", config.data_dir,
                      "\n\nnext:  henge --endpoint ", config.client_listen, " put greeting hello\n");
}

bool NodeProcess::Shutdown(Duration patience) { return impl_->Shutdown(patience); }

}  // namespace henge
