#include "node/grpc/poller_limit.h"

#include <condition_variable>
#include <mutex>
#include <thread>

#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>

namespace henge {
namespace {

// gRPC takes half of the cores, but never less than two threads.
constexpr unsigned kCoresForTwoThreads = 5;
constexpr char kNowhere[] = "unix:/nonexistent/henge";

}  // namespace

// A call that fails at once, whose callback then holds on to the thread that it runs on.
class PollerLimit::Parking {
 public:
  void Park(std::shared_ptr<Parking> self) {
    stub_.UnaryCall(&context_, "/henge.v1.None/None", {}, &request_, &reply_,
                    [self = std::move(self)](grpc::Status) { self->Hold(); });
  }

  void Release() {
    std::unique_lock lock(mutex_);
    released_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return over_; });
  }

 private:
  void Hold() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return released_; });
    over_ = true;
    changed_.notify_all();
  }

  grpc::TemplatedGenericStub<grpc::ByteBuffer, grpc::ByteBuffer> stub_{
      grpc::CreateChannel(kNowhere, grpc::InsecureChannelCredentials())};
  grpc::ClientContext context_;
  grpc::Slice nothing_;
  grpc::ByteBuffer request_{&nothing_, 1};  // one without slices is no message
  grpc::ByteBuffer reply_;

  std::mutex mutex_;
  std::condition_variable changed_;
  // Protected by mutex_:
  bool released_ = false;
  bool over_ = false;
};

PollerLimit::PollerLimit() {
  if (std::thread::hardware_concurrency() > kCoresForTwoThreads) return;
  parking_ = std::make_shared<Parking>();
  parking_->Park(parking_);
}

PollerLimit::~PollerLimit() {
  if (parking_ != nullptr) parking_->Release();
}

}  // namespace henge
