// henge-entropy-sim [RECORDS]: what it costs two replicas of so many records to find and repair 0, 1, 100 and 10,000
// that differ, as a table (docs/TESTING.md).
//
// Bytes are those of all messages between the two, gossip left out; CPU is that of the whole simulation, less what the
// same virtual time costs when nothing differs, and less what the stores' flushes and compactions take, which is shown
// beside it. The two are loaded once; what differs is each time new.
#include <charconv>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/model/mint.h"
#include "core/model/slot.h"
#include "tests/sim/sim_node.h"

namespace henge::sim {
namespace {

using std::chrono::seconds;

constexpr size_t kValueBytes = 100;
constexpr size_t kBatch = 500;
constexpr Duration kConvergenceMax = std::chrono::minutes(30);
constexpr Duration kIdle = seconds(60);

double CpuSeconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

// Two owners of every partition; gossip is silent.
class Pair {
 public:
  explicit Pair(int records) : records_(records), random_(1), network_(scheduler_, random_.Split("network"), {}) {
    std::vector<InitialMember> members;
    for (int i = 1; i <= 2; ++i) {
      const std::string host = absl::StrCat("n", i);
      members.push_back({host, absl::StrCat(host, ":7400"), absl::StrCat(host, ":7401"), "", 100});
    }
    const ClusterState state = *MakeInitialState("cost", 2, std::move(members));
    for (uint32_t i = 1; i <= 2; ++i) {
      SimNodeOptions options{.member = MemberId(i), .state = state};
      options.gossip.probe_interval = std::chrono::hours(10);
      nodes_.push_back(
          std::make_unique<SimNode>(scheduler_, network_, random_, monitor_, serious_, std::move(options), [] {}));
    }
  }

  // Both get all records.
  bool Start() {
    for (auto& node : nodes_) {
      if (!node->Start().ok()) return false;
    }
    Add(records_, /*to_both=*/true);
    Duration took{0};
    if (!Converge(&took)) return false;
    scheduler_.RunFor(kIdle);
    return true;
  }

  // So many more, cut off from each other meanwhile.
  void Add(int count, bool to_both) {
    network_.Cut(1, 2);
    network_.Cut(2, 1);
    const int end = next_ + count;
    while (next_ < end) {
      std::vector<CommitItem> items;
      for (; next_ < end && items.size() < kBatch; ++next_) items.push_back(ItemOf(next_));
      if (to_both) nodes_[1]->Load(items);
      nodes_[0]->Load(std::move(items));
    }
    network_.Heal();  // drops a filter, too
    network_.SetFilter([this](SimAddress, SimAddress, const std::string& bytes) {
      bytes_ += bytes.size();
      return false;
    });
  }

  bool Equal() {
    for (int p = 0; p < kPartitionCount; ++p) {
      const PartitionId partition(static_cast<uint16_t>(p));
      if (nodes_[0]->ReadRoot(partition) != nodes_[1]->ReadRoot(partition)) return false;
    }
    return true;
  }
  bool Converge(Duration* took) {
    const SimTime began = scheduler_.now();
    while (!Equal() && scheduler_.now() - began < kConvergenceMax) scheduler_.RunFor(std::chrono::milliseconds(100));
    *took = scheduler_.now() - began;
    return Equal();
  }
  void RunFor(Duration time) { scheduler_.RunFor(time); }
  uint64_t bytes() const { return bytes_; }
  double TablesCpu() const { return nodes_[0]->background_cpu_seconds() + nodes_[1]->background_cpu_seconds(); }
  uint64_t repaired() {
    uint64_t sum = 0;
    for (auto& node : nodes_) sum += node->EntropyFigures().repaired_here + node->EntropyFigures().repaired_there;
    return sum;
  }

 private:
  CommitItem ItemOf(int i) {
    const std::string key = absl::StrCat("key:", i);
    const RecordKey at{PartitionOf(key), BucketId(1), key};
    Minter minter{.store = StoreId(7), .lifetime = Lifetime(7)};
    Mutation mutation;
    mutation.value = std::string(kValueBytes, static_cast<char>('a' + i % 26));
    mutation.op_id = {1, static_cast<uint64_t>(i) + 1};
    Minted minted = MintVersion(Object(), std::nullopt, VersionVector(), std::move(mutation), 0, &minter);
    CommitItem item{at, {minted.object.Encode(), std::nullopt, 0}};
    item.leaf_delta = RecordHash(nodes_[0]->TreeKey(), at.bucket, at.key, item.record.object);
    return item;
  }

  const int records_;
  int next_ = 0;
  SimScheduler scheduler_{1, uint64_t{1} << 40};
  SimRandom random_;
  SimNetwork network_;
  Monitor monitor_;
  std::vector<SeriousEvent> serious_;
  std::vector<std::unique_ptr<SimNode>> nodes_;
  uint64_t bytes_ = 0;
};

int Main(int records) {
  std::printf("%d records of %zu bytes on two replicas\n", records, kValueBytes);
  std::printf("%9s  %9s  %12s  %12s  %9s  %9s  %9s\n", "differing", "repaired", "bytes", "bytes each", "seconds",
              "CPU ms", "tables ms");
  Pair pair(records);
  if (!pair.Start()) {
    std::printf("the two don't start, or don't become equal\n");
    return 1;
  }
  for (int differing : {0, 1, 100, 10'000}) {
    pair.Add(differing, /*to_both=*/false);
    Duration took{0};
    const uint64_t bytes_before = pair.bytes();
    const uint64_t repaired_before = pair.repaired();
    const double cpu = CpuSeconds();
    const double tables_from = pair.TablesCpu();
    if (!pair.Converge(&took)) {
      std::printf("%9d  not converged\n", differing);
      return 1;
    }
    const double tables = pair.TablesCpu() - tables_from;
    const double converged = CpuSeconds() - cpu - tables;
    const uint64_t bytes = pair.bytes() - bytes_before;
    const uint64_t bytes_until_now = pair.bytes();
    const double idle_from = CpuSeconds();
    pair.RunFor(kIdle);
    const double idle = CpuSeconds() - idle_from - (pair.TablesCpu() - tables_from - tables);
    const double seconds_taken = std::chrono::duration<double>(took).count();
    std::printf("%9d  %9lu  %12lu  %12.0f  %9.1f  %9.1f  %9.1f\n", differing, pair.repaired() - repaired_before, bytes,
                differing > 0 ? static_cast<double>(bytes) / differing : 0.0, seconds_taken,
                1000 * (converged - idle * seconds_taken / 60), 1000 * tables);
    if (differing == 0) {
      std::printf("%9s  a minute of equal replicas: %lu bytes, %.1f ms of CPU, simulator included\n", "idle",
                  pair.bytes() - bytes_until_now, 1000 * idle);
    }
  }
  return 0;
}

}  // namespace
}  // namespace henge::sim

int main(int argc, char** argv) {
  int records = 100'000;
  if (argc > 1) std::from_chars(argv[1], argv[1] + std::strlen(argv[1]), records);
  return henge::sim::Main(records);
}
