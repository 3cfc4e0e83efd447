#include "tests/sim/workload.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/model/context.h"
#include "core/model/slot.h"

namespace henge::sim {
namespace {

constexpr int kAttemptsMax = 3;
constexpr int kGenerationsMax = 6;
constexpr Duration kRestPause = std::chrono::milliseconds(200);

bool IsAnswer(absl::StatusOr<ClientReply> reply) {
  return reply.ok() && (reply->status.ok() || absl::IsNotFound(reply->status));
}

}  // namespace

Workload::Workload(WorkloadOptions options, uint64_t seed, SimScheduler& scheduler, SimNetwork& network, RingPtr ring,
                   History& history, Monitor& monitor)
    : options_(options),
      seed_(seed),
      bucket_(ring->state().FindBucket(options.bucket)->id),
      scheduler_(scheduler),
      ring_(std::move(ring)),
      history_(history),
      monitor_(monitor),
      random_(SimRandom(seed).Split(absl::StrCat("workload", options.first_client == 0 ? "" : options.bucket))),
      ops_left_(static_cast<size_t>(options.clients), options.ops_per_client),
      generations_(static_cast<size_t>(options.keys), 0) {
  for (int c = 0; c < options.clients; ++c) {
    clients_.push_back(std::make_unique<SimClient>(scheduler, network, ClientHost(options.first_client + c)));
  }
}

// Keys of the last quarter are for deletes without a context: those cover what the server read, which the history can't
// tell exactly, so they must not soften the judgement of the others.
std::string Workload::KeyOf(uint64_t n, int generation) const {
  return absl::StrCat(bucket_ == BucketId(1) ? "key-" : options_.bucket + "-", seed_ % 97, "-", n,
                      std::string(static_cast<size_t>(generation), '+'));
}

void Workload::LayToRest(const std::string& key) {
  if (Now() < next_rest_at_) return;
  next_rest_at_ = Now() + kRestPause;
  for (size_t n = 0; n < generations_.size(); ++n) {
    if (key == KeyOf(n) && generations_[n] + 1 < kGenerationsMax) {
      ++generations_[n];
      return;
    }
  }
}

std::vector<std::string> Workload::Keys() const {
  std::vector<std::string> keys;
  for (size_t n = 0; n < generations_.size(); ++n) {
    for (int g = 0; g <= generations_[n]; ++g) keys.push_back(KeyOf(n, g));
  }
  return keys;
}

void Workload::Start() {
  running_ = options_.clients;
  for (int c = 0; c < options_.clients; ++c) Think(c);
}

void Workload::Think(int client) {
  scheduler_.After(random_.Exponential(options_.think_time_mean), [this, client] { Next(client); });
}

void Workload::Next(int client) {
  if (ops_left_[static_cast<size_t>(client)]-- <= 0) {
    --running_;
    return;
  }
  const auto keys = static_cast<uint64_t>(options_.keys);
  const uint64_t plain = std::max<uint64_t>(1, keys / 4);
  uint64_t dice = random_.Below(100);
  if (dice < options_.plain_deletes) {
    const std::string key = KeyOf(keys - 1 - random_.Below(plain));
    if (options_.server_deletes) {
      StartWrite(client, key, true, nullptr);
    } else {
      Read(client, key, [this, client, key](const Chain& seen) { StartWrite(client, key, true, &seen); });
    }
    return;
  }
  dice -= options_.plain_deletes;
  const uint64_t number = random_.Below(keys);
  const std::string key = KeyOf(number);
  if (!WritesTo(client, number)) dice = 1000;  // reads
  if (dice < options_.blind_puts) {
    StartWrite(client, key, false, nullptr);
    return;
  }
  dice -= options_.blind_puts;
  const bool is_delete = dice >= options_.updates && dice < options_.updates + options_.deletes;
  if (dice >= options_.updates + options_.deletes) {
    Read(client, key, [this, client](const Chain&) { Think(client); });
    return;
  }
  auto chain = chains_.find({client, key});
  if (chain != chains_.end() && random_.Below(100) < options_.chained) {
    const Chain seen = chain->second;
    StartWrite(client, key, is_delete, &seen);
    return;
  }
  Read(client, key, [this, client, key, is_delete](const Chain& seen) { StartWrite(client, key, is_delete, &seen); });
}

bool Workload::WritesTo(int client, uint64_t key) const {
  return !options_.one_writer || key % static_cast<uint64_t>(options_.clients) == static_cast<uint64_t>(client);
}

// Whether `vv` covers all that the writer of this had seen, by one version of each at least.
bool Workload::CoversPast(const VersionVector& vv, MutationId writer) const {
  const MutationRecord* m = history_.Find(writer);
  if (m == nullptr) return true;
  return std::all_of(m->observed.begin(), m->observed.end(), [&](MutationId seen) {
    const std::vector<Dot> dots = monitor_.DotsOf(seen);
    return dots.empty() || std::any_of(dots.begin(), dots.end(), [&](const Dot& d) { return vv.Covers(d); });
  });
}

// The deletes of `key` that a client knows of by this context.
void Workload::AddDeletes(const std::string& key, const VersionVector& vv, Chain* chain) const {
  for (MutationId id : monitor_.TombstonesCovered(key, vv)) {
    chain->observed.insert(id);
    std::set<MutationId> past = history_.Witnessed({id});
    past.insert(id);
    if (std::all_of(past.begin(), past.end(), [&](MutationId before) { return CoversPast(vv, before); })) {
      chain->in_passing.erase(id);
    } else {
      chain->in_passing.insert(id);
    }
  }
}

std::optional<Workload::Chain> Workload::RecordRead(int client, const std::string& key, bool final, uint32_t r,
                                                    MonotonicTime invoked, const absl::StatusOr<ClientReply>& reply) {
  if (!IsAnswer(reply)) return std::nullopt;
  Chain chain;
  chain.context = reply->context;
  ReadRecord read{.key = key, .client = Session(client), .r = r, .final = final};
  read.strict = options_.strict && !final;
  read.invoked_at = invoked;
  read.done_at = Now();
  absl::StatusOr<Context> context = OpenContext(reply->context, ring_->cluster(), bucket_, key);
  for (const std::string& value : reply->values) {
    const MutationId id = History::IdOf(value).value_or(0);
    read.values.push_back(id);
    chain.observed.insert(id);
    const std::vector<Dot> dots = monitor_.DotsOf(id);
    read.context_covers_values &=
        context.ok() && std::any_of(dots.begin(), dots.end(), [&](const Dot& d) { return context->vv.Covers(d); });
  }
  if (context.ok()) {
    read.context_covers_past =
        std::all_of(read.values.begin(), read.values.end(), [&](MutationId id) { return CoversPast(context->vv, id); });
    AddDeletes(key, context->vv, &chain);
  }
  read.known = chain.observed;
  history_.AddRead(std::move(read));
  return chain;
}

ClientRequest Workload::RequestOf(ClientOp op, const std::string& key) const {
  ClientRequest request{.op = op, .bucket = options_.bucket, .key = key, .budget = options_.timeout};
  if (options_.strict) request.consistency.mode = QuorumMode::kStrict;
  return request;
}

void Workload::Read(int client, const std::string& key, std::function<void(const Chain&)> then) {
  ClientRequest request = RequestOf(ClientOp::kGet, key);
  if (options_.r != 0) request.consistency = {options_.r, true, request.consistency.mode};
  if (random_.Below(100) < options_.strict_reads) request.consistency.mode = QuorumMode::kStrict;
  const MonotonicTime invoked = Now();
  clients_[static_cast<size_t>(client)]->Call(
      AnyNode(), request, options_.timeout,
      [this, client, key, invoked, then = std::move(then)](absl::StatusOr<ClientReply> reply) {
        std::optional<Chain> chain = RecordRead(client, key, false, options_.r, invoked, reply);
        if (chain.has_value()) {
          then(*chain);
        } else {
          Think(client);
        }
      });
}

void Workload::StartWrite(int client, const std::string& key, bool is_delete, const Chain* seen) {
  MutationRecord& m = history_.NewMutation(key, Session(client));
  m.is_delete = is_delete;
  m.last_writer_wins = ring_->ConflictOf(bucket_) == ConflictPolicy::kLastWriterWins;
  m.blind = seen == nullptr || seen->context.empty();
  m.covers_by_server = is_delete && m.blind;
  if (seen != nullptr) {
    m.observed = seen->observed;
    m.in_passing = seen->in_passing;
  }
  m.invoked_at = Now();
  m.w = options_.w != 0 ? options_.w : static_cast<uint32_t>(ring_->Owners(PartitionOf(key)).size() / 2 + 1);
  const bool large = options_.padding_large > 0 && random_.OneIn(20);
  const size_t padding = large ? options_.padding_large : random_.Below(options_.padding_max + 1);
  ClientRequest request = RequestOf(is_delete ? ClientOp::kDelete : ClientOp::kPut, key);
  if (!is_delete) request.value = History::ValueOf(m.id, padding);
  if (seen != nullptr) request.context = seen->context;
  request.op_id = History::OpIdOf(seed_, m.id);
  m.strict = options_.strict && (options_.sloppy_writes == 0 || random_.Below(100) >= options_.sloppy_writes);
  request.consistency = {options_.w, options_.w != 0, m.strict ? QuorumMode::kStrict : QuorumMode::kSloppy};
  chains_.erase({client, key});
  SendWrite({m.id, client, kAttemptsMax, std::move(request)});
}

void Workload::SendWrite(Write write) {
  ++history_.Find(write.id)->attempts;
  --write.attempts_left;
  const ClientRequest request = write.request;
  SimClient& client = *clients_[static_cast<size_t>(write.client)];
  client.Call(AnyNode(), request, options_.timeout + std::chrono::milliseconds(50),
              [this, write = std::move(write)](absl::StatusOr<ClientReply> reply) mutable {
                OnWriteDone(std::move(write), std::move(reply));
              });
}

void Workload::OnWriteDone(Write write, absl::StatusOr<ClientReply> reply) {
  MutationRecord& m = *history_.Find(write.id);
  m.done_at = Now();
  if (reply.ok() && reply->status.ok()) {
    m.status = OpStatus::kOk;
    m.durable = reply->facts.durable;
    m.primaries = reply->facts.primaries;
    m.fallbacks = reply->facts.fallbacks;
    ++acked_;
    monitor_.OnAck(m);
    if (on_ack_) on_ack_(m);
    if (m.is_delete && !m.covers_by_server && random_.Below(100) < options_.laid_to_rest) LayToRest(m.key);
    if (!reply->context.empty()) {
      Chain chain{reply->context, m.observed, m.in_passing};
      chain.observed.insert(m.id);
      absl::StatusOr<Context> context = OpenContext(reply->context, ring_->cluster(), bucket_, m.key);
      if (context.ok()) AddDeletes(m.key, context->vv, &chain);
      chains_[{write.client, m.key}] = std::move(chain);
    }
    Think(write.client);
    return;
  }
  const bool surely_not = options_.refusals_are_final && reply.ok() && reply->outcome == Outcome::kNotApplied;
  if (surely_not && !write.request.retry) {
    m.status = OpStatus::kFail;
    Think(write.client);
    return;
  }
  m.status = OpStatus::kInfo;
  if (!m.covers_by_server && write.attempts_left > 0 && random_.Below(100) < options_.retries) {
    write.request.retry = true;
    scheduler_.After(random_.Exponential(std::chrono::milliseconds(50)),
                     [this, write = std::move(write)]() mutable { SendWrite(std::move(write)); });
    return;
  }
  Think(write.client);
}

void Workload::FinalRead(const std::string& key, MemberId node, int attempts, std::function<void(bool)> done) {
  if (attempts == 0) {
    done(false);
    return;
  }
  const auto n = static_cast<uint32_t>(ring_->Owners(PartitionOf(key)).size());
  ClientRequest request = RequestOf(ClientOp::kGet, key);
  request.consistency = {n, true, QuorumMode::kSloppy};
  request.budget = std::chrono::seconds(5);
  const MonotonicTime invoked = Now();
  clients_[0]->Call(node, request, std::chrono::seconds(6),
                    [=, this, done = std::move(done)](absl::StatusOr<ClientReply> reply) mutable {
                      if (RecordRead(0, key, true, n, invoked, reply).has_value()) {
                        done(true);
                        return;
                      }
                      scheduler_.After(std::chrono::milliseconds(500), [=, this, done = std::move(done)]() mutable {
                        FinalRead(key, node, attempts - 1, std::move(done));
                      });
                    });
}

}  // namespace henge::sim
