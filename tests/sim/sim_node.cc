#include "tests/sim/sim_node.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/model/slot.h"
#include "core/runtime/check.h"
#include "node/node_figures.h"
#include "tests/sim/forgetful_transport.h"
#include "tests/sim/monitored_hints.h"
#include "tests/sim/planted_seams.h"

namespace henge::sim {
namespace {

constexpr char kDataDir[] = "/data";
// So small that records come and go.
constexpr size_t kRecordCacheBytes = 8 << 10;

StoreOptions EngineOptions(rocksdb::Env* env) {
  StoreOptions options;
  options.data_dir = kDataDir;
  options.env = env;
  options.deterministic = true;
  // By count, so that flushes and compactions happen within a run, at the same commit in each run of a seed. Nor may
  // the cache evict: which block goes depends on ids that RocksDB draws for itself.
  options.flush_every_commits = 40;
  options.block_cache_bytes = size_t{256} << 20;
  options.free_bytes_for_writes = kSimFreeBytesForWrites;
  options.free_bytes_for_control = kSimFreeBytesForWrites / 4;
  return options;
}

StoreOptions HintOptions(rocksdb::Env* env) {
  StoreOptions options = HintStoreOptions(EngineOptions(env));
  options.flush_every_commits = 20;
  return options;
}

// Runs what it is given at once: to look at a store from outside of the world's time.
class InlineExecutor final : public Executor {
 public:
  void Post(Closure closure) override { closure(); }
  TimerId RunAt(MonotonicTime, Closure) override { return TimerId(1); }
  void Cancel(TimerId) override {}
  void AtTurnEnd(TurnPhase, Closure closure) override { closure(); }
};

class InlineWorkers final : public WorkerFactory {
 public:
  std::unique_ptr<BatchWorker> MakeWorker(const char*, BatchWorker::Handler handler) override {
    return std::make_unique<Worker>(std::move(handler));
  }

 private:
  class Worker final : public BatchWorker {
   public:
    explicit Worker(Handler handler) : handler_(std::move(handler)) {}
    void Submit(std::unique_ptr<WorkItem> item) override {
      std::vector<std::unique_ptr<WorkItem>> batch;
      batch.push_back(std::move(item));
      handler_(std::move(batch));
    }
    void Stop() override {}

   private:
    Handler handler_;
  };
};

class SilentTracer final : public Tracer {
 public:
  bool Enabled(Severity) const override { return false; }
  void Event(Severity, std::string_view, std::initializer_list<TraceField>) override {}
};

HintBug HintBugOf(PlantedBug bug) {
  if (bug == PlantedBug::kOverwritingHints) return HintBug::kOverwrite;
  if (bug == PlantedBug::kPassHintsOver) return HintBug::kPassOver;
  return bug == PlantedBug::kForgetHints ? HintBug::kForget : HintBug::kNone;
}

absl::StatusOr<Object> ObjectOf(const StoreEngine::ReadResult& result) {
  if (!result.ok()) return result.status();
  if (!result->has_value()) return Object();
  return Object::Decode((*result)->object);
}

}  // namespace

SimNode::SimNode(SimScheduler& scheduler, SimNetwork& network, const SimRandom& random, Monitor& monitor,
                 std::vector<SeriousEvent>& serious, SimNodeOptions options, std::function<void()> on_failed)
    : scheduler_(scheduler),
      network_(network),
      random_(random.Split("node", options.member.value())),
      monitor_(monitor),
      serious_(serious),
      options_(std::move(options)),
      on_failed_(std::move(on_failed)),
      files_(std::make_shared<SimFileSystem>(random_.Split("files").seed())) {
  files_->SetFaultPlan([this](const SimIo& io) { return PlanFault(io); });
  env_ = std::make_unique<SimEnv>(files_, random_.Split("env").seed(), [this] {
    return static_cast<uint64_t>(scheduler_.now().time_since_epoch().count() / 1000);
  });
}

SimNode::~SimNode() {
  if (running()) StopProcess(SimNetwork::StopKind::kProcess);
}

SimFault SimNode::PlanFault(const SimIo& io) {
  const bool log_sync = io.kind == SimIoKind::kSync && io.path.ends_with(".log");
  if (!log_sync) return SimFault::kNone;
  if (options_.lying_syncs) return SimFault::kLie;
  return std::exchange(fail_next_sync_, false) ? SimFault::kError : SimFault::kNone;
}

absl::Status SimNode::Start() {
  HENGE_CHECK(!running());
  ++incarnation_;
  SimProcessOptions p{.member = options_.member,
                      .incarnation = options_.reuse_lifetime ? 1 : incarnation_,
                      .shards = options_.shards,
                      .name = options_.state.FindMember(options_.member)->name};
  p.clock.monotonic_origin = std::chrono::hours(1 + 7 * options_.member.value() + incarnation_);
  p.clock.wall_offset = wall_offset_;
  const int shards = options_.shards;
  p.transport.shard_of = [shards](MemberId, PartitionId partition) { return ShardOf(partition, shards); };
  process_ = std::make_unique<SimProcess>(scheduler_, network_, random_, serious_, std::move(p));
  if (show_) process_->tracer().ShowLines(show_);

  auto on_fatal = [this, at = incarnation_](const absl::Status&) {
    scheduler_.After(Duration(1), [this, at] {
      if (!running() || incarnation_ != at) return;
      Kill();
      on_failed_();
    });
  };
  auto engine = OpenStoreEngine(EngineOptions(env_.get()), process_->workers(), process_->tracer(), on_fatal);
  if (!engine.ok()) {
    process_.reset();
    return engine.status();
  }
  engine_ = std::make_unique<MonitoredEngine>(*std::move(engine), static_cast<int>(options_.member.value()), monitor_,
                                              options_.bug);
  auto hints = OpenHintStore(HintOptions(env_.get()), process_->workers(), process_->tracer(), on_fatal);
  if (!hints.ok()) {
    engine_.reset();
    process_.reset();
    return hints.status();
  }
  hints_ = std::make_unique<MonitoredHintStore>(*std::move(hints), static_cast<int>(options_.member.value()), monitor_,
                                                HintBugOf(options_.planted));
  NodeEnvironment environment{{}, *engine_, hints_.get()};
  for (int s = 0; s < shards; ++s) environment.shards.push_back(process_->environment(s));
  PlantTransports(&environment);
  NodeOptions o{.self = options_.member,
                .state = options_.state,
                .gossip = options_.gossip,
                .record_cache_bytes = kRecordCacheBytes,
                .hint_bytes_max = options_.hint_bytes_max,
                .anti_entropy = options_.anti_entropy,
                .scrub = options_.scrub};
  o.on_state = [this](const RingPtr& ring) {
    if (options_.watch != nullptr) options_.watch->OnState(static_cast<int>(options_.member.value()), ring);
  };
  o.on_recovered = [this, at = incarnation_] {
    scheduler_.After(Duration(1), [this, at] {
      if (running() && incarnation_ == at) StartAgain();
    });
  };
  node_ = std::make_unique<Node>(std::move(o), std::move(environment));
  if (absl::Status started = node_->Start(); !started.ok()) {
    StopProcess(SimNetwork::StopKind::kProcess);
    return started;
  }
  for (int s = 0; s < shards; ++s) process_->transport(s).Serve(HandlerOf(s));
  clients_ = std::make_unique<SimClientServer>(network_, options_.member,
                                               [this](ClientRequest request, SimClientServer::ReplyFn reply) {
                                                 OnClientRequest(std::move(request), std::move(reply));
                                               });
  PumpBackground(incarnation_);
  return absl::OkStatus();
}

void SimNode::PlantTransports(NodeEnvironment* environment) {
  const bool eager = options_.planted == PlantedBug::kAckBeforePeer;
  if (!eager && !options_.forget_dead) return;
  const std::vector<ShardEnvironment> plain = std::exchange(environment->shards, {});
  for (const ShardEnvironment& shard : plain) {
    if (eager) {
      transports_.push_back(std::make_unique<EagerTransport>(shard.transport, shard.executor));
    } else {
      transports_.push_back(std::make_unique<ForgetfulTransport>(
          shard.transport, shard.executor,
          [this](MemberId member) { return liveness()->Of(member) == Liveness::kDead; }));
    }
    environment->shards.push_back({shard.clock, shard.executor, shard.random, *transports_.back(), shard.tracer});
  }
}

PeerHandler* SimNode::HandlerOf(int shard) {
  if (options_.planted != PlantedBug::kOverwritingRepair) return &node_->shard(shard);
  handlers_.push_back(std::make_unique<OverwritingHandler>(node_->shard(shard), *engine_));
  return handlers_.back().get();
}

void SimNode::OnClientRequest(ClientRequest request, SimClientServer::ReplyFn reply) {
  const bool is_read = request.op == ClientOp::kGet;
  if (options_.planted == (is_read ? PlantedBug::kSloppyStrictReads : PlantedBug::kSloppyStrictWrites)) {
    request.consistency.mode = QuorumMode::kSloppy;
  }
  if (options_.planted == PlantedBug::kFallbackAsPrimary && !is_read) {
    reply = [reply = std::move(reply)](ClientReply answer) mutable {
      answer.facts.primaries += std::exchange(answer.facts.fallbacks, 0);
      reply(std::move(answer));
    };
  }
  node_->Submit(std::move(request), std::move(reply));
}

void SimNode::PumpBackground(uint64_t incarnation) {
  if (!running() || incarnation != incarnation_) return;
  env_->RunOneBackgroundJob();
  scheduler_.After(options_.background_interval, [this, incarnation] { PumpBackground(incarnation); });
}

void SimNode::StopProcess(SimNetwork::StopKind kind) {
  process_->Crash(kind);
  clients_.reset();
  handlers_.clear();
  node_.reset();
  hints_.reset();
  transports_.clear();
  engine_.reset();
  process_.reset();
  paused_ = false;
  monitor_.OnCrash(static_cast<int>(options_.member.value()));
}

void SimNode::PowerLoss() {
  if (const uint64_t hints = hint_figures().hints; hints > 0) {
    process_->tracer().Event(Severity::kInfo, "PowerLostWithHints", {{"hints", hints}});
  }
  files_->Freeze();
  StopProcess(SimNetwork::StopKind::kMachine);
  files_->Crash(++crashes_);
}

void SimNode::Kill() {
  files_->Freeze();
  StopProcess(SimNetwork::StopKind::kProcess);
  files_->Kill();
}

void SimNode::StartAgain() {
  ShutDown([this] {
    if (absl::Status started = Start(); !started.ok()) {
      serious_.push_back({scheduler_.now(), "", Severity::kAlarm, "StartFailed", started.ToString()});
    }
  });
}

void SimNode::ShutDown(std::function<void()> stopped) {
  node_->Drain([this, at = incarnation_, stopped = std::move(stopped)] {
    scheduler_.After(Duration(1), [this, at, stopped] {
      if (!running() || incarnation_ != at) return;
      absl::Status closed = hints_->Close();
      closed.Update(engine_->Close());
      if (!closed.ok()) serious_.push_back({scheduler_.now(), "", Severity::kError, "CloseFailed", closed.ToString()});
      StopProcess(SimNetwork::StopKind::kProcess);
      files_->Kill();
      stopped();
    });
  });
}

void SimNode::Wipe() {
  HENGE_CHECK(!running());
  files_->Wipe();
  monitor_.OnWipe(static_cast<int>(options_.member.value()));
  if (options_.watch != nullptr) options_.watch->OnWipe(static_cast<int>(options_.member.value()));
}

void SimNode::JumpClock(Duration by) {
  wall_offset_ += by;
  if (running()) process_->clock().JumpWall(by);
}

void SimNode::HandlePeer(MemberId from, PeerRequest request, Duration left, PeerHandler::ReplyFn reply) {
  node_->HandlePeer(from, std::move(request), process_->clock().Now() + left, std::move(reply));
}

void SimNode::OnEachShard(std::function<void(Shard&)> step) {
  for (int i = 0; i < options_.shards; ++i) {
    node_->executor(i).Post([this, i, step] { step(node_->shard(i)); });
  }
}

Object SimNode::ReadRecord(const RecordKey& key) {
  const RecordKey* keys[] = {&key};
  absl::StatusOr<Object> object = ObjectOf(engine_->ReadCached(keys)[0]);
  if (object.ok()) return *std::move(object);
  InlineExecutor loop;
  bool done = false;
  engine_->ReadBlocking({key}, loop, [&](std::vector<StoreEngine::ReadResult> results) {
    object = ObjectOf(results[0]);
    done = true;
  });
  scheduler_.RunUntilTrue([&] { return done; }, scheduler_.now() + std::chrono::seconds(1));
  return object.value_or(Object());
}

absl::StatusOr<PartitionTree> SimNode::RecomputeTree(PartitionId partition) {
  InlineExecutor loop;
  PartitionTree tree;
  std::string cursor;
  for (bool whole = false; !whole;) {
    absl::StatusOr<StoreEngine::Page> page = absl::UnavailableError("no answer");
    bool done = false;
    engine_->Scan(partition, cursor, size_t{1} << 20, loop, [&](absl::StatusOr<StoreEngine::Page> scanned) {
      page = std::move(scanned);
      done = true;
    });
    scheduler_.RunUntilTrue([&] { return done; }, scheduler_.now() + std::chrono::seconds(1));
    if (!page.ok()) return page.status();
    for (const auto& [key, record] : page->items) {
      tree.Apply(SegmentOf(key.bucket, key.key), RecordHash(engine_->tree_key(), key.bucket, key.key, record.object));
    }
    cursor = page->cursor;
    whole = page->done;
  }
  return tree;
}

void SimNode::Load(std::vector<CommitItem> items) {
  InlineExecutor loop;
  bool done = false;
  engine_->Commit(std::move(items), loop, [&done](const absl::Status&, const auto& /*items*/) { done = true; });
  scheduler_.RunUntilTrue([&] { return done; }, scheduler_.now() + std::chrono::seconds(1));
}

bool SimNode::FlipBitInTable() {
  const std::string dir = absl::StrCat(kDataDir, "/data");
  std::string largest;
  uint64_t size = 0;
  for (const std::string& name : files_->Children(dir)) {
    const std::string path = absl::StrCat(dir, "/", name);
    const std::string* bytes = name.ends_with(".sst") ? files_->Bytes(path) : nullptr;
    if (bytes == nullptr || bytes->size() <= size) continue;
    largest = path;
    size = bytes->size();
  }
  // Tables begin with their records.
  return size > 0 && files_->FlipBit(largest, size / 3, 3);
}

ScrubFigures SimNode::scrub_figures() {
  NodeFigures sum;
  for (int s = 0; s < options_.shards; ++s) AddTo(&sum, node_->shard(s).scrub().figures());
  return sum.scrub;
}

void SimNode::Plant(CommitItem item) {
  std::vector<CommitItem> items;
  items.push_back(std::move(item));
  engine_->Commit(std::move(items), process_->loop(0), [](const absl::Status&, const auto& /*items*/) {});
}

HintFigures SimNode::HintStatus() {
  NodeFigures sum;
  for (int s = 0; running() && s < options_.shards; ++s) AddTo(&sum, node_->shard(s).hint_figures());
  return sum.hints;
}

AntiEntropyFigures SimNode::EntropyFigures() {
  NodeFigures sum;
  for (int s = 0; s < options_.shards; ++s) AddTo(&sum, node_->shard(s).anti_entropy().figures());
  return sum.entropy;
}

absl::StatusOr<Object> SimNode::ReadDurableImage(const RecordKey& key) {
  SimEnv env(files_->DurableCopy(), 1, [] { return uint64_t{1}; });
  InlineWorkers workers;
  SilentTracer tracer;
  auto engine = OpenStoreEngine(EngineOptions(&env), workers, tracer, [](const absl::Status&) {});
  if (!engine.ok()) return engine.status();
  absl::StatusOr<Object> object = absl::UnavailableError("no answer");
  InlineExecutor loop;
  (*engine)->ReadBlocking({key}, loop,
                          [&](std::vector<StoreEngine::ReadResult> results) { object = ObjectOf(results[0]); });
  if (absl::Status closed = (*engine)->Close(); !closed.ok()) return closed;
  return object;
}

absl::StatusOr<Object> SimNode::ReadDurableHints(const RecordKey& key) {
  SimEnv env(files_->DurableCopy(), 1, [] { return uint64_t{1}; });
  InlineWorkers workers;
  SilentTracer tracer;
  auto hints = OpenHintStore(HintOptions(&env), workers, tracer, [](const absl::Status&) {});
  if (!hints.ok()) return hints.status();
  std::vector<HintKey> keys;
  keys.reserve(options_.state.members.size());
  for (const Member& member : options_.state.members) keys.push_back({member.id, key});
  Object merged;
  InlineExecutor loop;
  (*hints)->Read(std::move(keys), loop, [&merged](std::vector<HintStore::ReadResult> results) {
    for (const HintStore::ReadResult& result : results) {
      if (!result.ok() || !result->has_value()) continue;
      if (absl::StatusOr<Object> object = Object::Decode((*result)->object); object.ok()) merged.Merge(*object);
    }
  });
  if (absl::Status closed = (*hints)->Close(); !closed.ok()) return closed;
  return merged;
}

}  // namespace henge::sim
