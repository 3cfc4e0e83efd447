// The peers' side of this node: serves henge.v1.Peer and hands the calls to the shards.
//
// Thread-safe; owned by the process's set-up code, outlives the grpc::Server that serves it. A caller is known by the
// hello in its first frame: another cluster, no member, this node itself, another protocol, another state of this one's
// version and a second live process of one member are refused.
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
#include "core/runtime/repeat_guard.h"
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
  // of another protocol, of no member, or of a cluster state that differs in one version (H38, P30). Any thread.
  uint64_t second_processes_refused() const { return seconds_.load(std::memory_order_relaxed); }
  uint64_t foreign_refused() const { return foreign_.load(std::memory_order_relaxed); }
  // Calls and frames that are none of this version (H38). Any thread.
  uint64_t calls_refused() const { return calls_.load(std::memory_order_relaxed); }

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
  // Whether the caller, at `address`, is a member of this cluster, of a version that fits.
  absl::Status CheckCaller(const v1::PeerHello& hello, const std::string& address);
  absl::Status RefuseForeign(const v1::PeerHello& hello, const std::string& address, absl::Status why);
  absl::Status RefuseSecond(const std::string& name, uint64_t process, uint64_t connected, const std::string& address);
  // `from` is a member's name, or an address that has not said whose it is.
  void NoteBadCall(const std::string& from, const absl::Status& why);
  // With mutex_ not held.
  bool MaySay(RepeatGuard* guard, const std::string& thing);
  std::string NameOf(MemberId member) const;
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
  RepeatGuard foreign_said_;
  RepeatGuard second_said_;
  RepeatGuard calls_said_;

  std::atomic<uint64_t> seconds_ = 0;
  std::atomic<uint64_t> foreign_ = 0;
  std::atomic<uint64_t> calls_ = 0;
};

}  // namespace henge
