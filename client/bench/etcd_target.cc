#include "client/bench/etcd_target.h"

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/bench/etcd_kv.grpc.pb.h"

namespace henge::bench {
namespace {

absl::Status ToAbsl(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  return {static_cast<absl::StatusCode>(status.error_code()), status.error_message()};
}

// What a completion queue hands back: one call, which frees itself when it has ended.
class Call {
 public:
  explicit Call(BenchTarget::Done done) : done_(std::move(done)) {}
  virtual ~Call() = default;
  virtual bool found() const = 0;

  void End() {
    const std::unique_ptr<Call> self(this);
    done_({ToAbsl(status_), found()});
  }

 protected:
  grpc::ClientContext context_;
  grpc::Status status_;

 private:
  BenchTarget::Done done_;
};

class GetCall : public Call {
 public:
  using Call::Call;
  void Start(etcdserverpb::KV::Stub& stub, grpc::CompletionQueue* queue, std::string_view key, bool serializable,
             std::chrono::system_clock::time_point deadline) {
    etcdserverpb::RangeRequest request;
    request.set_key(key.data(), key.size());
    request.set_serializable(serializable);
    context_.set_deadline(deadline);
    reader_ = stub.AsyncRange(&context_, request, queue);
    reader_->Finish(&reply_, &status_, static_cast<Call*>(this));
  }
  bool found() const override { return reply_.kvs_size() > 0; }

 private:
  etcdserverpb::RangeResponse reply_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<etcdserverpb::RangeResponse>> reader_;
};

class PutCall : public Call {
 public:
  using Call::Call;
  void Start(etcdserverpb::KV::Stub& stub, grpc::CompletionQueue* queue, std::string_view key, std::string_view value,
             std::chrono::system_clock::time_point deadline) {
    etcdserverpb::PutRequest request;
    request.set_key(key.data(), key.size());
    request.set_value(value.data(), value.size());
    context_.set_deadline(deadline);
    reader_ = stub.AsyncPut(&context_, request, queue);
    reader_->Finish(&reply_, &status_, static_cast<Call*>(this));
  }
  bool found() const override { return true; }

 private:
  etcdserverpb::PutResponse reply_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<etcdserverpb::PutResponse>> reader_;
};

}  // namespace

class EtcdTarget::Impl {
 public:
  explicit Impl(const EtcdTargetOptions& options) : options_(options) {
    for (int i = 0; i < options.channels_per_endpoint; ++i) {
      for (const std::string& endpoint : options.endpoints) AddChannel(endpoint);
    }
    for (int i = 0; i < options.threads; ++i) queues_.push_back(std::make_unique<grpc::CompletionQueue>());
  }
  ~Impl() {
    for (auto& queue : queues_) queue->Shutdown();
    for (std::thread& thread : threads_) thread.join();
  }

  absl::Status WaitConnected() {
    const auto deadline = Deadline();
    for (size_t i = 0; i < channels_.size(); ++i) {
      if (!channels_[i]->WaitForConnected(deadline)) {
        return absl::UnavailableError(absl::StrCat("no connection to etcd at ",
                                                   options_.endpoints[i % options_.endpoints.size()], " within ",
                                                   options_.timeout_ms, " ms: is it running there?"));
      }
    }
    for (auto& queue : queues_) threads_.emplace_back(&Impl::Drain, queue.get());
    return absl::OkStatus();
  }

  void Get(std::string_view key, Done done) {
    const uint64_t number = next_.fetch_add(1, std::memory_order_relaxed);
    (new GetCall(std::move(done)))->Start(StubOf(number), QueueOf(number), key, options_.serializable, Deadline());
  }
  void Put(std::string_view key, std::string_view value, Done done) {
    const uint64_t number = next_.fetch_add(1, std::memory_order_relaxed);
    (new PutCall(std::move(done)))->Start(StubOf(number), QueueOf(number), key, value, Deadline());
  }
  const EtcdTargetOptions& options() const { return options_; }

 private:
  void AddChannel(const std::string& endpoint) {
    grpc::ChannelArguments arguments;
    // Otherwise gRPC folds all channels to one address into one connection.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    channels_.push_back(grpc::CreateCustomChannel(endpoint, grpc::InsecureChannelCredentials(), arguments));
    stubs_.push_back(etcdserverpb::KV::NewStub(channels_.back()));
  }

  static void Drain(grpc::CompletionQueue* queue) {
    void* tag = nullptr;
    bool ok = false;
    // A unary call's Finish always succeeds as an event; how the call went stands in its status.
    while (queue->Next(&tag, &ok)) static_cast<Call*>(tag)->End();
  }

  std::chrono::system_clock::time_point Deadline() const {
    return std::chrono::system_clock::now() + std::chrono::milliseconds(options_.timeout_ms);
  }
  etcdserverpb::KV::Stub& StubOf(uint64_t number) { return *stubs_[number % stubs_.size()]; }
  // By another stride than the channels, so that each queue serves all of them.
  grpc::CompletionQueue* QueueOf(uint64_t number) { return queues_[number / stubs_.size() % queues_.size()].get(); }

  const EtcdTargetOptions options_;
  std::vector<std::shared_ptr<grpc::Channel>> channels_;
  std::vector<std::unique_ptr<etcdserverpb::KV::Stub>> stubs_;
  std::vector<std::unique_ptr<grpc::CompletionQueue>> queues_;
  std::vector<std::thread> threads_;
  std::atomic<uint64_t> next_{0};
};

absl::StatusOr<std::unique_ptr<EtcdTarget>> EtcdTarget::Connect(const EtcdTargetOptions& options) {
  if (options.endpoints.empty() || options.channels_per_endpoint < 1 || options.threads < 1) {
    return absl::InvalidArgumentError("etcd: at least one endpoint, one channel and one thread are needed");
  }
  auto impl = std::make_unique<Impl>(options);
  if (absl::Status status = impl->WaitConnected(); !status.ok()) return status;
  return std::unique_ptr<EtcdTarget>(new EtcdTarget(std::move(impl)));
}

EtcdTarget::EtcdTarget(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EtcdTarget::~EtcdTarget() = default;

std::string EtcdTarget::name() const { return impl_->options().serializable ? "etcd, serializable reads" : "etcd"; }

void EtcdTarget::AsyncGet(uint64_t, std::string_view key, Done done) { impl_->Get(key, std::move(done)); }

void EtcdTarget::AsyncPut(uint64_t, std::string_view key, std::string_view value, Done done) {
  impl_->Put(key, value, std::move(done));
}

}  // namespace henge::bench
