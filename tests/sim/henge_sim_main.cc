// henge-sim: runs seeds of the simulator, and says how to reproduce what it finds.
//
//   henge-sim --seed N [--verbose]           one run, with its options and fingerprint
//   henge-sim --seeds A..B [--jobs J]        a sweep; every 20th seed runs twice, and its fingerprints must agree
//   henge-sim ... --plant BUG                with a planted bug: the sweep must then find violations
//   henge-sim ... --require-coverage         each hazard's situation must have been reached by some seed
//
// Exit status: 0 clean, 1 usage, 127 a run crashed, 129 a violation, 130 a run is not deterministic, 131 a coverage
// mark was not hit.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "tests/sim/hazard_marks.h"
#include "tests/sim/world.h"

namespace henge::sim {
namespace {

constexpr int kExitUsage = 1, kExitCrash = 127, kExitViolation = 129, kExitNondeterminism = 130, kExitCoverage = 131;
constexpr uint64_t kDoubleRunEvery = 20;

struct Arguments {
  uint64_t first = 1, last = 1;
  int jobs = static_cast<int>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
  bool verbose = false;
  bool single = false;
  bool require_coverage = false;
  std::string bug;
};

// What one job reports to its parent, as a line of figures through a pipe.
struct Totals {
  uint64_t seeds = 0, acked = 0, mutations = 0, reads = 0, events = 0, crashes = 0, wipes = 0, partitions = 0;
  uint64_t sync_failures = 0, images = 0, siblings = 0, violations = 0, nondeterministic = 0, double_mints = 0,
           deaths = 0;
  uint64_t converged_alone = 0, wiped_whole = 0, repaired = 0, convergence_ms_max = 0;
  uint64_t acked_by_hints = 0, hint_images = 0, hints_refused = 0, hints_marked = 0, delivered_ms_max = 0;
  uint64_t marked[kHazardMarks.size()] = {};  // seeds that hit each mark

  void Add(const Totals& o) {
    seeds += o.seeds, acked += o.acked, mutations += o.mutations, reads += o.reads, events += o.events;
    crashes += o.crashes, wipes += o.wipes, partitions += o.partitions, sync_failures += o.sync_failures;
    images += o.images, siblings += o.siblings, violations += o.violations, nondeterministic += o.nondeterministic;
    double_mints += o.double_mints, deaths += o.deaths;
    converged_alone += o.converged_alone, wiped_whole += o.wiped_whole, repaired += o.repaired;
    convergence_ms_max = std::max(convergence_ms_max, o.convergence_ms_max);
    acked_by_hints += o.acked_by_hints, hint_images += o.hint_images;
    hints_refused += o.hints_refused, hints_marked += o.hints_marked;
    delivered_ms_max = std::max(delivered_ms_max, o.delivered_ms_max);
    for (size_t i = 0; i < kHazardMarks.size(); ++i) marked[i] += o.marked[i];
  }
};

bool ParseNumber(std::string_view text, uint64_t* out) {
  const char* end = text.data() + text.size();
  return !text.empty() && std::from_chars(text.data(), end, *out).ptr == end;
}

bool Parse(int argc, char** argv, Arguments* out) {
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    const std::string value = i + 1 < argc ? argv[i + 1] : "";
    uint64_t number = 0;
    if (flag == "--verbose" || flag == "--require-coverage") {
      (flag == "--verbose" ? out->verbose : out->require_coverage) = true;
      continue;
    }
    ++i;
    if (flag == "--seed" && ParseNumber(value, &number)) {
      out->first = out->last = number;
      out->single = true;
    } else if (const size_t dots = value.find(".."); flag == "--seeds" && dots != std::string::npos) {
      if (!ParseNumber(std::string_view(value).substr(0, dots), &out->first)) return false;
      if (!ParseNumber(std::string_view(value).substr(dots + 2), &out->last)) return false;
    } else if (flag == "--jobs" && ParseNumber(value, &number) && number > 0) {
      out->jobs = static_cast<int>(number);
    } else if (flag == "--plant" && ParsePlantedBug(value) != PlantedBug::kNone) {
      out->bug = value;
    } else {
      return false;
    }
  }
  return argc > 1 && out->first <= out->last;
}

WorldOptions OptionsOf(const Arguments& args, uint64_t seed) {
  WorldOptions options = WorldOptions::FromSeed(seed);
  options.bug = ParsePlantedBug(args.bug);
  return options;
}

void ShowViolations(const RunResult& result, const WorldOptions& options, const Arguments& args) {
  std::printf("seed %lu: %zu violation(s)\n  options: %s\n", result.seed, result.violations.size(),
              options.Describe().c_str());
  constexpr int kShownMax = 3;  // of each invariant
  std::map<std::string, int> shown;
  for (const Violation& v : result.violations) {
    if (++shown[v.invariant] <= kShownMax) std::printf("  %s: %s\n", v.invariant.c_str(), v.what.c_str());
  }
  std::printf("  reproduce: henge-sim --seed %lu --verbose%s%s\n", result.seed, args.bug.empty() ? "" : " --plant ",
              args.bug.c_str());
  std::fflush(stdout);
}

Totals RunSeed(const Arguments& args, uint64_t seed) {
  const WorldOptions options = OptionsOf(args, seed);
  MarkCollector marks;
  const RunResult r = RunWorld(options, [&marks, verbose = args.verbose](const std::string& line) {
    marks.OnLine(line);
    if (verbose) std::fprintf(stderr, "%s\n", line.c_str());
  });
  Totals t{1,
           r.acked,
           r.mutations,
           r.reads,
           r.events,
           r.crashes,
           r.wipes,
           r.partitions,
           r.sync_failures,
           r.images_inspected,
           r.siblings_seen,
           r.violations.size() > 0,
           0,
           r.double_mints,
           r.deaths,
           r.converged_alone,
           r.wiped_whole,
           r.repaired,
           static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(r.convergence).count()),
           r.acked_by_hints,
           r.hint_images_inspected,
           r.hints_refused_full,
           r.hints_marked,
           static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(r.delivered).count())};
  for (size_t i = 0; i < kHazardMarks.size(); ++i) t.marked[i] = marks.Hit(i) ? 1 : 0;
  if (!r.violations.empty()) ShowViolations(r, options, args);
  if (args.single) std::printf("seed %lu: %s\nfingerprint %016lx\n", seed, options.Describe().c_str(), r.fingerprint);
  if (args.single || seed % kDoubleRunEvery == 0) {
    const RunResult again = RunWorld(options);
    if (again.fingerprint != r.fingerprint) {
      std::printf("seed %lu: not deterministic: fingerprints %016lx and %016lx\n", seed, r.fingerprint,
                  again.fingerprint);
      t.nondeterministic = 1;
    }
  }
  return t;
}

// Runs every jobs-th seed from args.first + job, in this process.
Totals RunShare(const Arguments& args, int job) {
  Totals totals;
  for (uint64_t seed = args.first + static_cast<uint64_t>(job); seed <= args.last;
       seed += static_cast<uint64_t>(args.jobs)) {
    totals.Add(RunSeed(args, seed));
  }
  return totals;
}

// The hazards whose situation no seed reached.
int ShowMarks(const Totals& all) {
  std::printf("coverage marks, and how many seeds hit each:\n");
  int missed = 0;
  for (size_t i = 0; i < kHazardMarks.size(); ++i) {
    const HazardMark& mark = kHazardMarks[i];
    std::printf("  %s  %-24s %7lu  %s\n", mark.hazard, mark.event, all.marked[i], mark.situation);
    missed += all.marked[i] == 0 ? 1 : 0;
  }
  return missed;
}

// Each job is a process: a crash of one run names its seeds and leaves the others alone.
int Sweep(const Arguments& args) {
  const auto started = std::chrono::steady_clock::now();
  struct Job {
    pid_t pid;
    int pipe;
  };
  std::vector<Job> jobs;
  for (int j = 0; j < args.jobs; ++j) {
    int ends[2];
    if (pipe(ends) != 0) return kExitCrash;
    const pid_t pid = fork();
    if (pid == 0) {
      close(ends[0]);
      const Totals totals = RunShare(args, j);
      const bool sent = write(ends[1], &totals, sizeof totals) == static_cast<ssize_t>(sizeof totals);
      std::fflush(nullptr);
      _exit(sent ? 0 : kExitCrash);
    }
    close(ends[1]);
    jobs.push_back({pid, ends[0]});
  }
  Totals all;
  bool crashed = false;
  for (const Job& job : jobs) {
    Totals totals;
    const bool got = read(job.pipe, &totals, sizeof totals) == static_cast<ssize_t>(sizeof totals);
    int status = 0;
    waitpid(job.pid, &status, 0);
    close(job.pipe);
    if (got) all.Add(totals);
    if (!got || status != 0) crashed = true;
  }
  const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  std::printf("%lu seeds in %.1f s: %.1f seeds/s on %d jobs\n", all.seeds, took, static_cast<double>(all.seeds) / took,
              args.jobs);
  std::printf("acked %lu of %lu mutations, %lu reads (%lu with siblings), %lu minted twice, %lu events\n", all.acked,
              all.mutations, all.reads, all.siblings, all.double_mints, all.events);
  std::printf(
      "faults: %lu crashes and kills, %lu wipes, %lu partitions, %lu failed syncs; %lu disk images inspected; "
      "%lu members held dead\n",
      all.crashes, all.wipes, all.partitions, all.sync_failures, all.images, all.deaths);
  std::printf(
      "anti-entropy: %lu runs converged by it alone (%lu with a wiped disk) in %lu ms at most, %lu records repaired\n",
      all.converged_alone, all.wiped_whole, all.convergence_ms_max, all.repaired);
  std::printf(
      "hints: %lu acks leaned on one, %lu of those inspected on the disks; %lu refused for want of room, %lu became "
      "marks; the last went %lu ms after the heal at most\n",
      all.acked_by_hints, all.hint_images, all.hints_refused, all.hints_marked, all.delivered_ms_max);
  const int missed = ShowMarks(all);
  std::printf("seeds with violations: %lu, not deterministic: %lu%s\n", all.violations, all.nondeterministic,
              crashed ? "; A JOB CRASHED" : "");
  if (crashed) return kExitCrash;
  if (all.violations > 0) return kExitViolation;
  if (all.nondeterministic > 0) return kExitNondeterminism;
  if (missed > 0 && args.require_coverage) {
    std::printf("%d hazards were not reached: more seeds, or a provocation for them\n", missed);
    return kExitCoverage;
  }
  return 0;
}

int Main(int argc, char** argv) {
  Arguments args;
  if (!Parse(argc, argv, &args)) {
    std::fprintf(stderr,
                 "usage: henge-sim --seed N | --seeds A..B [--jobs J] [--verbose] [--plant BUG] [--require-coverage]\n"
                 "  BUG: %s\n",
                 PlantedBugNames().c_str());
    return kExitUsage;
  }
  if (args.single) args.jobs = 1;
  return Sweep(args);
}

}  // namespace
}  // namespace henge::sim

int main(int argc, char** argv) { return henge::sim::Main(argc, argv); }
