#include "tests/chaos/second_recorder.h"

#include <algorithm>
#include <utility>

namespace henge::chaos {
namespace {

using std::chrono::duration;
using std::chrono::duration_cast;
using std::chrono::microseconds;

constexpr size_t kFailuresMax = 1000;  // that are kept, of each client; all are counted

double Millis(uint32_t micros) { return static_cast<double>(micros) / 1000; }

// `sorted` isn't empty.
double PercentileMs(const std::vector<uint32_t>& sorted, size_t percent) {
  return Millis(sorted[std::min(sorted.size() - 1, sorted.size() * percent / 100)]);
}

}  // namespace

double SecondRecorder::SecondsSinceStart(SteadyTime now) const {
  const SteadyTime began{SteadyTime::duration(began_.load(std::memory_order_relaxed))};
  return began == SteadyTime::max() ? -1 : duration<double>(now - began).count();
}

void SecondRecorder::Track::Add(SteadyTime began, Sample::End end) {
  const SteadyTime now = std::chrono::steady_clock::now();
  const double at_s = all_.SecondsSinceStart(now);
  if (at_s < 0) return;
  const auto micros = duration_cast<microseconds>(now - began).count();
  samples_.push_back({static_cast<int32_t>(at_s), static_cast<uint32_t>(micros), end});
}

void SecondRecorder::Track::Ok(SteadyTime began) { Add(began, Sample::End::kOk); }

void SecondRecorder::Track::Failed(SteadyTime began, bool write, std::string why) {
  Add(began, write ? Sample::End::kFailedWrite : Sample::End::kFailedRead);
  if (failures_.size() >= kFailuresMax) return;
  const SteadyTime now = std::chrono::steady_clock::now();
  const double at_s = all_.SecondsSinceStart(now);
  if (at_s >= 0) failures_.push_back({at_s, duration<double>(now - began).count(), write, std::move(why)});
}

std::vector<SecondRow> SecondRecorder::Rows() const {
  std::vector<SecondRow> rows;
  std::vector<std::vector<uint32_t>> micros;
  for (const Track& track : tracks_) {
    for (const Track::Sample& sample : track.samples_) {
      const auto second = static_cast<size_t>(sample.second);
      if (second >= rows.size()) {
        rows.resize(second + 1);
        micros.resize(second + 1);
      }
      micros[second].push_back(sample.micros);
      rows[second].ok += sample.end == Track::Sample::End::kOk ? 1 : 0;
      rows[second].failed_reads += sample.end == Track::Sample::End::kFailedRead ? 1 : 0;
      rows[second].failed_writes += sample.end == Track::Sample::End::kFailedWrite ? 1 : 0;
    }
  }
  for (size_t i = 0; i < rows.size(); ++i) {
    if (micros[i].empty()) continue;
    std::sort(micros[i].begin(), micros[i].end());
    rows[i].p50_ms = PercentileMs(micros[i], 50);
    rows[i].p99_ms = PercentileMs(micros[i], 99);
    rows[i].max_ms = Millis(micros[i].back());
  }
  return rows;
}

std::vector<FailedCall> SecondRecorder::Failures() const {
  std::vector<FailedCall> all;
  for (const Track& track : tracks_) all.insert(all.end(), track.failures_.begin(), track.failures_.end());
  std::sort(all.begin(), all.end(), [](const FailedCall& a, const FailedCall& b) { return a.at_s < b.at_s; });
  return all;
}

}  // namespace henge::chaos
