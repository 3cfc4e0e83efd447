// What clients got, second by second: how many calls, how long they took, how many failed.
//
// Each client writes a track of its own, without locks; the tracks are put together when all clients have ended. Times
// are those of the ends of calls, counted from Start; what ends before it is not counted.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace henge::chaos {

using SteadyTime = std::chrono::steady_clock::time_point;

struct SecondRow {
  uint64_t ok = 0;
  uint64_t failed_reads = 0;
  uint64_t failed_writes = 0;
  double p50_ms = 0, p99_ms = 0, max_ms = 0;  // of all calls that ended in it, failed ones too
};

struct FailedCall {
  double at_s = 0;  // when it ended
  double took_s = 0;
  bool write = false;
  std::string why;
};

class SecondRecorder {
 public:
  class Track {
   public:
    explicit Track(const SecondRecorder& all) : all_(all) {}
    void Ok(SteadyTime began);
    void Failed(SteadyTime began, bool write, std::string why);

   private:
    friend class SecondRecorder;
    struct Sample {
      int32_t second;
      uint32_t micros;
      enum class End : uint8_t { kOk, kFailedRead, kFailedWrite } end;
    };
    void Add(SteadyTime began, Sample::End end);

    const SecondRecorder& all_;
    std::vector<Sample> samples_;
    std::deque<FailedCall> failures_;
  };

  // Before the clients start.
  Track& NewTrack() { return tracks_.emplace_back(*this); }
  // From here on seconds are counted.
  void Start() { began_.store(std::chrono::steady_clock::now().time_since_epoch().count()); }

  // After the clients have ended.
  std::vector<SecondRow> Rows() const;
  std::vector<FailedCall> Failures() const;

 private:
  double SecondsSinceStart(SteadyTime now) const;

  std::atomic<SteadyTime::rep> began_{SteadyTime::max().time_since_epoch().count()};
  std::deque<Track> tracks_;
};

}  // namespace henge::chaos
