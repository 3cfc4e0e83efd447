// Kill -9 in a loop under load: every acknowledged write is there afterwards.
//
//   store_kill [--kills N] [--seed S] [--dir DIR] [--plant-early-ack]
//
// Starts a writer on a real data directory, kills it after a random time (while it opens, writes, flushes or compacts),
// reads every key and compares with what was acknowledged; again and again on the same directory. With
// --plant-early-ack the writer acknowledges before its commit, and this program succeeds only if it catches that.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "node/real/batch_worker_thread.h"
#include "node/real/loop_executor.h"
#include "node/real/system_clock.h"
#include "tests/chaos/store_kill_value.h"
#include "tests/chaos/store_kill_writer.h"

extern char** environ;

namespace henge::chaos {
namespace {

constexpr uint64_t kLifeMicrosMax = 40'000;

struct Options {
  uint64_t kills = 500;
  uint64_t seed = 1;
  std::string dir;
  bool plant_early_ack = false;
  bool is_writer = false;
  uint64_t life = 0;
};

class StderrTracer final : public Tracer {
 public:
  bool Enabled(Severity severity) const override { return severity >= Severity::kWarning; }
  void Event(Severity severity, std::string_view event, std::initializer_list<TraceField>) override {
    if (Enabled(severity)) std::fprintf(stderr, "event %.*s\n", static_cast<int>(event.size()), event.data());
  }
};

struct Totals {
  uint64_t acks = 0;
  uint64_t lives_with_acks = 0;
  uint64_t checks = 0;
  uint64_t lost = 0;
};

class KillLoop {
 public:
  KillLoop(Options options, std::string data_dir)
      : options_(std::move(options)), data_dir_(std::move(data_dir)), random_(options_.seed) {}

  // 0: nothing lost; 1: something lost; 2: could not be tried.
  int Run() {
    auto start = std::chrono::steady_clock::now();
    for (uint64_t life = 1; life <= options_.kills; ++life) {
      if (!LiveAndKill(life)) return 2;
      // Now and then the next life starts on what the kill left, with no orderly close between.
      if (random_.OneIn(3) && life < options_.kills) continue;
      if (!Check(life)) return 2;
      if (totals_.lost > 0) break;
    }
    std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::printf(
        "store_kill: %llu kills, %llu lives with acks, %llu acked writes, %llu checks of %u keys, %llu lost, %.1f s\n",
        static_cast<unsigned long long>(options_.kills), static_cast<unsigned long long>(totals_.lives_with_acks),
        static_cast<unsigned long long>(totals_.acks), static_cast<unsigned long long>(totals_.checks), kKillKeys,
        static_cast<unsigned long long>(totals_.lost), took.count());
    return totals_.lost > 0 ? 1 : 0;
  }

  const Totals& totals() const { return totals_; }

 private:
  bool LiveAndKill(uint64_t life) {
    int pipe_fds[2];
    if (pipe2(pipe_fds, O_CLOEXEC) != 0) return Fail("pipe");
    pid_t child = Spawn(life, pipe_fds[1]);
    close(pipe_fds[1]);
    if (child <= 0) return Fail("spawn");
    // A third of the lives end while they open, or a little later; the others write for a while.
    bool await_ack = !random_.OneIn(3);
    uint64_t micros = random_.Below(kLifeMicrosMax);
    speaks_ = false;
    std::thread killer([this, child, await_ack, micros] {
      if (await_ack) speaks_.wait(false);
      std::this_thread::sleep_for(std::chrono::microseconds(micros));
      kill(child, SIGKILL);
    });
    bool sane = ReadAcks(pipe_fds[0]);
    killer.join();
    close(pipe_fds[0]);
    int status = 0;
    if (waitpid(child, &status, 0) != child) return Fail("waitpid");
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) return Fail("the writer ended by itself");
    return sane || Fail("garbage in the pipe");
  }

  pid_t Spawn(uint64_t life, int ack_fd) {
    std::vector<std::string> words = {
        "store_kill", "--writer",           "--dir",  data_dir_,
        "--life",     std::to_string(life), "--seed", std::to_string(random_.Next64() >> 1)};
    if (options_.plant_early_ack) words.push_back("--plant-early-ack");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ack_fd, STDOUT_FILENO);
    pid_t child = 0;
    int error = posix_spawn(&child, "/proc/self/exe", &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    return error == 0 ? child : -1;
  }

  // Until the pipe ends with its writer.
  bool ReadAcks(int fd) {
    std::string pending;
    std::array<char, 1 << 16> buffer;
    bool any = false;
    bool sane = true;
    for (ssize_t got = 0; (got = read(fd, buffer.data(), buffer.size())) > 0;) {
      Announce();
      pending.append(buffer.data(), static_cast<size_t>(got));
      size_t at = 0;
      for (; pending.size() - at >= sizeof(KillAck); at += sizeof(KillAck)) {
        KillAck ack;
        std::memcpy(&ack, pending.data() + at, sizeof(ack));
        if (ack.index >= kKillKeys || ack.check != KillAck::CheckOf(ack.version, ack.index)) {
          sane = false;
          continue;
        }
        acked_[ack.index] = std::max(acked_[ack.index], ack.version);
        ++totals_.acks;
        any = true;
      }
      pending.erase(0, at);
    }
    Announce();  // it has died early: let the killer go
    totals_.lives_with_acks += any ? 1 : 0;
    return sane;
  }

  void Announce() {
    speaks_ = true;
    speaks_.notify_one();
  }

  // Opens what the kills left and compares every key.
  bool Check(uint64_t life) {
    StderrTracer tracer;
    ThreadWorkerFactory workers;
    SystemClock clock;
    auto opened = OpenStoreEngine(KillStoreOptions(data_dir_), workers, tracer, nullptr);
    if (!opened.ok()) return Fail(opened.status().ToString().c_str());
    LoopExecutor loop(clock, LoopOptions{"judge", 1024});
    loop.Start();
    std::vector<RecordKey> keys;
    for (uint32_t i = 0; i < kKillKeys; ++i) keys.push_back(KillKey(i));
    std::vector<StoreEngine::ReadResult> results;
    std::atomic<bool> arrived = false;
    (*opened)->ReadBlocking(std::move(keys), loop, [&](std::vector<StoreEngine::ReadResult> read) {
      results = std::move(read);
      arrived = true;
      arrived.notify_one();
    });
    arrived.wait(false);
    for (uint32_t i = 0; i < kKillKeys; ++i) Judge(i, life, results[i]);
    ++totals_.checks;
    absl::Status closed = (*opened)->Close();
    return closed.ok() || Fail(closed.ToString().c_str());
  }

  void Judge(uint32_t index, uint64_t life, const StoreEngine::ReadResult& result) {
    std::string found = "absent";
    uint64_t version = 0;
    if (!result.ok()) {
      found = result.status().ToString();
    } else if (result->has_value()) {
      std::optional<uint64_t> whole = KillVersion(index, (*result)->object);
      found = whole.has_value() ? "version " + std::to_string(*whole) : "a value that is not whole";
      version = whole.value_or(0);
    }
    // Beyond this life's versions nothing was ever written.
    if (result.ok() && version >= acked_[index] && version < (life + 1) << 32 && (version > 0 || acked_[index] == 0)) {
      return;
    }
    ++totals_.lost;
    if (totals_.lost > 10) return;
    std::fprintf(stderr, "LOST after life %llu: key %u: acknowledged version %llu, found %s\n",
                 static_cast<unsigned long long>(life), index, static_cast<unsigned long long>(acked_[index]),
                 found.c_str());
  }

  static bool Fail(const char* what) {
    std::fprintf(stderr, "store_kill: %s (%s)\n", what, std::strerror(errno));
    return false;
  }

  const Options options_;
  const std::string data_dir_;
  Xoshiro random_;
  std::array<uint64_t, kKillKeys> acked_{};
  Totals totals_;
  std::atomic<bool> speaks_ = false;  // the writer of this life has acknowledged something, or is dead
};

bool ParseOptions(int argc, char** argv, Options* options) {
  for (int i = 1; i < argc; ++i) {
    std::string flag = argv[i];
    bool has_value = i + 1 < argc;
    if (flag == "--plant-early-ack") {
      options->plant_early_ack = true;
    } else if (flag == "--writer") {
      options->is_writer = true;
    } else if (flag == "--dir" && has_value) {
      options->dir = argv[++i];
    } else if (flag == "--kills" && has_value) {
      if (!absl::SimpleAtoi(argv[++i], &options->kills)) return false;
    } else if (flag == "--seed" && has_value) {
      if (!absl::SimpleAtoi(argv[++i], &options->seed)) return false;
    } else if (flag == "--life" && has_value) {
      if (!absl::SimpleAtoi(argv[++i], &options->life)) return false;
    } else {
      return false;
    }
  }
  return true;
}

int RunKills(const Options& options) {
  std::string parent = options.dir.empty() ? std::filesystem::temp_directory_path().string() : options.dir;
  std::string pattern = parent + "/henge_store_kill_XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) {
    std::fprintf(stderr, "store_kill: can't make a directory in %s: %s\n", parent.c_str(), std::strerror(errno));
    return 2;
  }
  KillLoop loop(options, pattern + "/data");
  int result = loop.Run();
  if (result == 2) {
    std::fprintf(stderr, "store_kill: the data directory is kept: %s\n", pattern.c_str());
    return 2;
  }
  std::error_code error;
  std::filesystem::remove_all(pattern, error);
  if (!options.plant_early_ack) return result;
  std::printf("store_kill: the planted early ack was %s\n", result == 1 ? "caught" : "NOT caught");
  return result == 1 ? 0 : 1;
}

}  // namespace
}  // namespace henge::chaos

int main(int argc, char** argv) {
  henge::chaos::Options options;
  if (!henge::chaos::ParseOptions(argc, argv, &options)) {
    std::fprintf(stderr, "usage: store_kill [--kills N] [--seed S] [--dir DIR] [--plant-early-ack]\n");
    return 2;
  }
  if (!options.is_writer) return henge::chaos::RunKills(options);
  return henge::chaos::RunWriter({options.dir, options.life, options.seed, STDOUT_FILENO, options.plant_early_ack});
}
