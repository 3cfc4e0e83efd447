// The peers' side of this node: serves henge.v1.Peer and hands the calls to the shards.
//
// Thread-safe; owned by the process's set-up code, outlives the grpc::Server that serves it. A caller is known by the
// hello in its first frame: another cluster, no member, this node itself, another protocol and a second live process of
// one member are refused.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include <grpcpp/server_builder.h>

#include "core/model/ring.h"
#include "core/runtime/clock.h"
#include "core/runtime/executor.h"
#include "core/runtime/tracer.h"
#include "core/runtime/transport.h"
#include "node/grpc/peer_edge.h"
#include "node/grpc/peer_hub.h"

namespace henge {

struct PeerPort {
  Executor* loop;
  PeerHandler* handler;
};

class PeerServer {
 public:
  // `ring` gives the newest ring, on any thread.
  using RingSource = std::function<RingPtr()>;
  PeerServer(PeerIdentity identity, RingSource ring, std::vector<PeerPort> shards, const Clock& clock, Tracer& tracer);
  ~PeerServer();
  PeerServer(const PeerServer&) = delete;
  PeerServer& operator=(const PeerServer&) = delete;

  void Register(grpc::ServerBuilder* builder);

  // Who is told of callers of other clusters; on any thread. Before the first connection.
  void OnForeign(std::function<void(ClusterId)> listener) { on_foreign_ = std::move(listener); }

  // Connections that were refused since the start: of a second live process of a member (H5); and of another cluster,
  // of another protocol, or of no member (H38). Any thread.
  uint64_t second_processes_refused() const { return seconds_.load(std::memory_order_relaxed); }
  uint64_t foreign_refused() const { return foreign_.load(std::memory_order_relaxed); }

  // Ends all streams; later ones are refused.
  void Close();

 private:
  class Service;
  class Stream;

  struct LiveProcess {
    uint64_t process = 0;
    std::weak_ptr<Stream> stream;
  };

  absl::Status Admit(const v1::PeerHello& hello, const std::shared_ptr<Stream>& stream);
  // Whether the caller is a member of this cluster, of a version that fits.
  absl::Status CheckCaller(const v1::PeerHello& hello);
  absl::Status RefuseForeign(const v1::PeerHello& hello, absl::Status why);
  absl::Status RefuseSecond(const std::string& name, uint64_t process, uint64_t connected);
  // What goes on being refused is said again once in a while only.
  bool MaySay(MonotonicTime* said);
  void Forget(MemberId member, uint64_t process, const Stream* stream);
  void Dispatch(const std::shared_ptr<Stream>& stream, MemberId from,
                std::vector<std::vector<PeerEdge::Call>> by_shard);

  const PeerIdentity identity_;
  const RingSource ring_;
  std::function<void(ClusterId)> on_foreign_;
  const std::vector<PeerPort> shards_;
  const Clock& clock_;
  Tracer& tracer_;
  const std::string hello_;
  std::vector<std::unique_ptr<PeerEdge>> edges_;
  std::unique_ptr<Service> service_;

  std::mutex mutex_;
  // Protected by mutex_:
  std::map<MemberId, LiveProcess> processes_;
  bool closed_ = false;
  MonotonicTime foreign_said_{};
  MonotonicTime second_said_{};

  std::atomic<uint64_t> seconds_ = 0;
  std::atomic<uint64_t> foreign_ = 0;
};

}  // namespace henge
