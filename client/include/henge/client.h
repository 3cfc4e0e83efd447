// The C++ client of a Henge cluster.
//
//   auto client = henge::Client::Connect("127.0.0.1:7400");
//   if (!client.ok()) ...
//   client->Put("greeting", "hello");
//   auto read = client->Get("greeting");        // read->values, read->context
//   client->Update("cart:17", [](const henge::ReadResult& now) { return henge::Change::Write(AddItem(now)); });
//
// A Client is a cheap copy of a shared connection set, safe for use from many threads. It learns the ring from any
// node, sends each request straight to an owner of its key over one pipelined stream per node, follows changes of the
// ring, and retries what is safe to retry within the call's deadline. No exception is thrown.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace henge {

using Millis = std::chrono::milliseconds;

// How many replicas must take part in one request.
struct Quorum {
  static Quorum Default() { return {}; }
  static Quorum One() { return {1, false}; }
  static Quorum Of(uint32_t replicas) { return {replicas, false}; }
  // Owners of the key only, no stand-in; reads are blocking-repaired.
  Quorum Strict() const { return {replicas, true}; }

  uint32_t replicas = 0;  // 0 = the bucket's default, a majority; an explicit 0 can't be asked for
  bool strict = false;
};

struct CallOptions {
  std::string bucket = "default";
  Quorum quorum;
  std::optional<Millis> timeout;  // total, retries included; absent = ClientOptions::timeout
  std::optional<std::chrono::system_clock::time_point> expires_at;  // puts
};

// What the cluster said about how it served one request.
struct Facts {
  uint64_t state_version = 0;
  uint32_t needed = 0;              // the quorum
  uint32_t answered = 0;            // reads: replicas that answered in time
  uint32_t stale = 0;               // reads: of those, how many were behind
  uint32_t primaries = 0;           // writes: owners with a durable copy
  uint32_t fallbacks = 0;           // writes: stand-ins with a durable copy; reads: stand-ins among those that answered
  uint32_t durable = 0;             // writes: nodes with a durable copy
  bool fallback_available = false;  // whether the cluster has members that could stand in
  uint32_t coordinator = 0;         // member id
  int attempts = 1;                 // by this client
};

// A read. `values` has one entry per version that is not superseded: none if the key is absent or deleted, several if
// writers were concurrent. Hand `context` to the write that replaces them, also when there is no value.
struct ReadResult {
  std::vector<std::string> values;
  std::string context;
  Facts facts;

  bool found() const { return !values.empty(); }
  bool has_conflict() const { return values.size() > 1; }
};

// What is known of a mutation that failed.
enum class Outcome { kApplied, kNotApplied, kUnknown };

struct WriteResult {
  absl::Status status;  // OK, or why not
  Outcome outcome = Outcome::kUnknown;
  std::string context;  // covers this write, for the next one; empty if other versions exist: read first
  uint32_t siblings = 0;
  Facts facts;

  bool ok() const { return status.ok(); }
};

// What an Update function decides.
struct Change {
  static Change Write(std::string value) { return {Kind::kWrite, std::move(value)}; }
  static Change Delete() { return {Kind::kDelete, {}}; }
  static Change Nothing() { return {Kind::kNothing, {}}; }

  enum class Kind { kWrite, kDelete, kNothing } kind = Kind::kNothing;
  std::string value;
};

// Turns several concurrent versions into one; called by Update and Resolve with at least two values.
using Resolver = std::function<absl::StatusOr<std::string>(const std::vector<std::string>& values)>;

struct RetryPolicy {
  int attempts_max = 4;
  Millis backoff_base{25};
  Millis backoff_max{1000};
  // A node of which nothing has succeeded for this long is left by the calls that wait for it, which are tried
  // elsewhere, and by those to come, but for a few that find out whether it is back. 0 = calls wait to their end.
  Millis patience{500};
  // A bucket of tokens shared by all calls of a client: a retry takes retry_cost, a success gives one back.
  int quota_tokens = 500;
  int retry_cost = 14;
};

struct ClientOptions {
  Millis timeout{5000};
  Millis connect_timeout{3000};
  RetryPolicy retry;
  size_t in_flight_max = 65536;                    // calls at once; more are answered RESOURCE_EXHAUSTED at once
  size_t in_flight_bytes_max = size_t{256} << 20;  // of their keys, values and contexts; likewise
  int io_threads = 1;
  // Talk to no node but the endpoints: they forward what isn't theirs. For looking at one node, not for speed.
  bool endpoints_only = false;
};

struct PutItem {
  std::string key;
  std::string value;
  std::string context;
};

struct ScanItem {
  std::string key;
  std::vector<std::string> values;
  std::string context;
};
struct ScanPage {
  std::vector<ScanItem> items;
  std::string cursor;  // where to go on, also later and in another process
  bool done = false;
  double progress = 0;  // 0..1, the part of the ring that is behind the cursor
};
struct ScanOptions {
  std::string bucket = "default";
  std::string prefix;
  uint32_t page_bytes = 1 << 20;
  std::optional<Millis> timeout;
};

struct NodeAddress {
  uint32_t member = 0;
  std::string name;
  std::string address;  // client port
  std::string zone;
};

class Client {
 public:
  // `endpoints`: host:port, or several separated by commas; any node will do.
  static absl::StatusOr<Client> Connect(std::string_view endpoints, ClientOptions options = {});

  Client(const Client&);
  Client& operator=(const Client&);
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  // A read of an absent key is OK with no values.
  absl::StatusOr<ReadResult> Get(std::string_view key, CallOptions options = {});
  // Without a context the write is blind: it replaces nothing and becomes a sibling of what is there.
  WriteResult Put(std::string_view key, std::string_view value, std::string_view context = {},
                  CallOptions options = {});
  // Without a context the client reads first, with the default quorum, and deletes what it saw. The one context for all
  // attempts is what keeps a late repetition of the request from covering what was written after it.
  WriteResult Delete(std::string_view key, std::string_view context = {}, CallOptions options = {});

  std::future<absl::StatusOr<ReadResult>> GetFuture(std::string_view key, CallOptions options = {});
  std::future<WriteResult> PutFuture(std::string_view key, std::string_view value, std::string_view context = {},
                                     CallOptions options = {});
  std::future<WriteResult> DeleteFuture(std::string_view key, std::string_view context = {}, CallOptions options = {});

  // As above; `done` runs once, on an IO thread of the client: it must not block, and may start new calls.
  void GetAsync(std::string_view key, CallOptions options, std::function<void(absl::StatusOr<ReadResult>)> done);
  void PutAsync(std::string_view key, std::string_view value, std::string_view context, CallOptions options,
                std::function<void(WriteResult)> done);
  void DeleteAsync(std::string_view key, std::string_view context, CallOptions options,
                   std::function<void(WriteResult)> done);

  // Each item has a result of its own, in the order of the arguments.
  std::vector<absl::StatusOr<ReadResult>> BatchGet(const std::vector<std::string>& keys, CallOptions options = {});
  std::vector<WriteResult> BatchPut(std::vector<PutItem> items, CallOptions options = {});

  // Read, change, write with the context that was read; again if another writer came between, so that the result has
  // one version. `fn` may run several times. Concurrent versions are given to `resolver` first; without one, `fn` sees
  // them all.
  WriteResult Update(std::string_view key, std::function<Change(const ReadResult&)> fn, Resolver resolver = nullptr,
                     CallOptions options = {});

  // Records in ring order after `cursor` ("" = from the start).
  absl::StatusOr<ScanPage> Scan(std::string_view cursor, ScanOptions options = {});

  // The members, as the newest cluster state that this client knows names them.
  std::vector<NodeAddress> Nodes() const;
  uint64_t state_version() const;
  // The owners of `key`, in preference order.
  std::vector<NodeAddress> Owners(std::string_view key) const;

 private:
  class Impl;
  explicit Client(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

// Built-in resolvers.
Resolver ResolveByLongest();       // the longest value, ties by bytes
Resolver ResolveByMax();           // the greatest value by bytes
Resolver ResolveByUnionOfLines();  // lines of all, sorted, each once
Resolver ResolveByFailing();       // ABORTED: the caller wants to see conflicts

}  // namespace henge
