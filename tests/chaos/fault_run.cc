#include "tests/chaos/fault_run.h"

#include <signal.h>

#include <algorithm>
#include <array>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "henge/admin.h"
#include "tests/chaos/convergence.h"
#include "tests/chaos/henged_cluster.h"

namespace henge::chaos {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr int kNodes = 5;
constexpr int kVictim = 2;  // of the faults that have one
constexpr size_t kReadsAtOnce = 256;
constexpr int kReadAttempts = 5;
constexpr int kExplainedKeys = 100;

constexpr std::array<std::pair<Fault, std::string_view>, 6> kNames = {{{Fault::kKill, "kill"},
                                                                       {Fault::kPause, "pause"},
                                                                       {Fault::kIsolate, "isolate"},
                                                                       {Fault::kSplit, "split"},
                                                                       {Fault::kPartial, "partial"},
                                                                       {Fault::kOneWay, "one-way"}}};

class FaultRun {
 public:
  explicit FaultRun(const FaultRunOptions& options)
      : options_(options), cluster_(kNodes, options.node_flags), history_(options.keys) {
    cluster_.UseMesh();
    for (int i = 0; i < kNodes; ++i) clients_.push_back(cluster_.client_address(i));
  }

  absl::StatusOr<FaultReport> Run() {
    if (!cluster_.StartAll()) return absl::UnavailableError("the cluster does not come up");
    for (int i = 0; i < kNodes; ++i) {
      if (!cluster_.AwaitState(i, 2)) return absl::UnavailableError("the members' stores were not bound");
    }
    report_.fault = options_.fault;
    report_.fault_at = static_cast<int>(options_.before.count());
    report_.heal_at = report_.fault_at + static_cast<int>(options_.during.count());
    report_.load_until = report_.heal_at + static_cast<int>(options_.after.count());
    if (absl::Status status = RunLoad(); !status.ok()) return status;
    if (absl::Status status = ReadAll(); !status.ok()) return status;
    Judge();
    return std::move(report_);
  }

 private:
  absl::Status RunLoad() {
    ChaosLoad load(options_.load, absl::StrJoin(clients_, ","), recorder_, history_);
    if (absl::Status status = load.Start(); !status.ok()) return status;
    std::this_thread::sleep_for(options_.warm_up);
    recorder_.Start();
    const auto began = steady_clock::now();
    std::this_thread::sleep_until(began + options_.before);
    Inflict();
    std::this_thread::sleep_until(began + options_.before + options_.during);
    const auto healed = steady_clock::now();
    if (!Heal()) return absl::UnavailableError("the killed node does not start again");
    std::this_thread::sleep_until(began + options_.before + options_.during + options_.after);
    load.Stop();
    const auto stopped = steady_clock::now();
    report_.convergence = AwaitConverged(clients_, stopped, healed + options_.convergence);
    report_.converged_s = std::chrono::duration<double>(steady_clock::now() - healed).count();
    return absl::OkStatus();
  }

  void Inflict() {
    switch (options_.fault) {
      case Fault::kKill:
        return cluster_.process(kVictim).Kill();
      case Fault::kPause:
        return cluster_.process(kVictim).Signal(SIGSTOP);
      case Fault::kIsolate:
        return cluster_.mesh().Part({kVictim}, {0, 1, 3, 4});
      case Fault::kSplit:
        return cluster_.mesh().Part({0, 1}, {2, 3, 4});
      case Fault::kPartial:
        return cluster_.mesh().Part({0}, {1});
      case Fault::kOneWay:
        return cluster_.mesh().SetRule(0, 1, {.cut = true});
    }
  }

  bool Heal() {
    if (options_.fault == Fault::kKill) return cluster_.Start(kVictim);
    if (options_.fault == Fault::kPause) cluster_.process(kVictim).Signal(SIGCONT);
    cluster_.mesh().Heal();
    return true;
  }

  // Every key through every node, which forwards what isn't its own.
  absl::Status ReadAll() {
    for (const std::string& address : clients_) {
      absl::StatusOr<Client> client = Client::Connect(address, {.endpoints_only = true});
      if (!client.ok()) return client.status();
      LoadHistory::FinalReads reads(static_cast<size_t>(options_.keys));
      for (int attempt = 0; attempt < kReadAttempts; ++attempt) ReadMissing(*client, &reads);
      finals_.push_back(std::move(reads));
    }
    return absl::OkStatus();
  }

  void ReadMissing(Client& client, LoadHistory::FinalReads* reads) const {
    std::vector<int> missing;
    for (int key = 0; key < options_.keys; ++key) {
      if (!(*reads)[static_cast<size_t>(key)].has_value()) missing.push_back(key);
    }
    for (size_t from = 0; from < missing.size(); from += kReadsAtOnce) {
      const size_t to = std::min(missing.size(), from + kReadsAtOnce);
      std::vector<std::string> names;
      for (size_t i = from; i < to; ++i) names.push_back(LoadHistory::KeyOf(missing[i]));
      const auto results = client.BatchGet(names, {.quorum = Quorum::Of(options_.load.replicas)});
      for (size_t i = from; i < to; ++i) {
        const auto& result = results[i - from];
        if (!result.ok()) continue;
        (*reads)[static_cast<size_t>(missing[i])] = LoadHistory::SeenIn(missing[i], result->values);
      }
    }
  }

  void Judge() {
    report_.rows = recorder_.Rows();
    // A second in which no call ended has a row, too.
    report_.rows.resize(std::max(report_.rows.size(), static_cast<size_t>(report_.load_until)));
    report_.failures = recorder_.Failures();
    report_.acked = history_.acked();
    report_.unknown = history_.unknown();
    report_.violations = history_.Judge(finals_);
    for (size_t node = 0; node < finals_.size(); ++node) {
      const auto unread = std::count(finals_[node].begin(), finals_[node].end(), std::nullopt);
      if (unread > 0) {
        report_.violations.push_back({"I17", absl::StrCat(unread, " keys can't be read through node ", node + 1)});
      }
    }
    ExplainSome();
    Summarise();
  }

  // I3 on the records themselves: a sample of keys, each of whose owners must hold the same bytes.
  void ExplainSome() {
    for (int i = 0; i < kExplainedKeys; ++i) {
      const std::string key = LoadHistory::KeyOf(i * options_.keys / kExplainedKeys);
      const auto seen = ExplainKey(clients_[static_cast<size_t>(i % kNodes)], "default", key, seconds(5));
      if (!seen.ok()) {
        report_.violations.push_back({"I17", absl::StrCat("explain ", key, ": ", seen.status().ToString())});
      } else if (!seen->replicas_equal) {
        report_.violations.push_back({"I3", absl::StrCat("the owners of ", key, " hold different records")});
      }
    }
    for (const std::string& address : clients_) {
      const auto status = FetchNodeStatus(address, seconds(2));
      if (status.ok()) report_.hints_stored += status->hints_stored;
    }
  }

  void Summarise() {
    const auto mean = [this](int from, int to) {
      uint64_t sum = 0;
      for (int i = from; i < to; ++i) sum += RowAt(i).ok;
      return to > from ? static_cast<double>(sum) / (to - from) : 0;
    };
    const auto p99 = [this](int from, int to) {
      std::vector<double> all;
      for (int i = from; i < to; ++i) all.push_back(RowAt(i).p99_ms);
      std::sort(all.begin(), all.end());
      return all.empty() ? 0 : all[all.size() / 2];
    };
    const int detected = report_.fault_at + static_cast<int>(options_.detection.count());
    report_.ops_before = mean(0, report_.fault_at);
    report_.p99_before_ms = p99(0, report_.fault_at);
    if (detected >= report_.heal_at) return;
    report_.ops_detected = mean(detected, report_.heal_at);
    report_.p99_detected_ms = p99(detected, report_.heal_at);
    report_.ops_detected_min = RowAt(detected).ok;
    for (int i = detected; i < report_.heal_at; ++i) {
      report_.ops_detected_min = std::min(report_.ops_detected_min, RowAt(i).ok);
      report_.max_detected_ms = std::max(report_.max_detected_ms, RowAt(i).max_ms);
    }
  }

  const SecondRow& RowAt(int second) const { return report_.rows[static_cast<size_t>(second)]; }

  const FaultRunOptions options_;
  HengedCluster cluster_;
  std::vector<std::string> clients_;
  SecondRecorder recorder_;
  LoadHistory history_;
  std::vector<LoadHistory::FinalReads> finals_;
  FaultReport report_;
};

}  // namespace

std::string_view NameOf(Fault fault) {
  return std::find_if(kNames.begin(), kNames.end(), [fault](const auto& entry) { return entry.first == fault; })
      ->second;
}

std::optional<Fault> FaultNamed(std::string_view name) {
  for (const auto& [fault, known] : kNames) {
    if (known == name) return fault;
  }
  return std::nullopt;
}

std::vector<Fault> AllFaults() {
  std::vector<Fault> all;
  for (const auto& [fault, name] : kNames) all.push_back(fault);
  return all;
}

uint64_t FaultReport::failed_writes() const {
  uint64_t sum = 0;
  for (const SecondRow& row : rows) sum += row.failed_writes;
  return sum;
}

uint64_t FaultReport::failed_reads() const {
  uint64_t sum = 0;
  for (const SecondRow& row : rows) sum += row.failed_reads;
  return sum;
}

absl::StatusOr<FaultReport> RunFault(const FaultRunOptions& options) { return FaultRun(options).Run(); }

}  // namespace henge::chaos
