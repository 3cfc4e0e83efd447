#include "cli/verify_run.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

namespace henge::cli {

VerifyRun::VerifyRun(Client client, CallOptions options, size_t in_flight_max, OnComplaint on_complaint)
    : client_(std::move(client)),
      options_(std::move(options)),
      in_flight_max_(in_flight_max),
      on_complaint_(std::move(on_complaint)) {}

VerifyRun::~VerifyRun() { Wait(); }

void VerifyRun::Add(uint64_t line, ImportRecord record) {
  {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [&] { return in_flight_ < in_flight_max_; });
    ++in_flight_;
  }
  auto wanted = std::make_shared<ImportRecord>(std::move(record));
  client_.GetAsync(wanted->key, options_, [this, line, wanted](absl::StatusOr<ReadResult> read) {
    std::lock_guard lock(mutex_);
    Judge(line, *wanted, read);
    --in_flight_;
    ended_.notify_all();
  });
}

void VerifyRun::AddBad(uint64_t line, const absl::Status& why) {
  std::lock_guard lock(mutex_);
  ++figures_.failed;
  on_complaint_(line, std::string(why.message()));
}

void VerifyRun::Judge(uint64_t line, ImportRecord& wanted, absl::StatusOr<ReadResult>& read) {
  if (!read.ok()) {
    ++figures_.failed;
    return on_complaint_(line, std::string(read.status().message()));
  }
  figures_.answered_min = any_read_ ? std::min(figures_.answered_min, read->facts.answered) : read->facts.answered;
  any_read_ = true;
  figures_.behind += read->facts.stale;
  if (!read->found()) {
    ++figures_.missing;
    return on_complaint_(line, "the key isn't there");
  }
  std::sort(wanted.values.begin(), wanted.values.end());
  std::sort(read->values.begin(), read->values.end());
  if (read->values != wanted.values) {
    ++figures_.different;
    return on_complaint_(line, absl::StrCat("the key holds ", read->values.size(), " versions, the file says ",
                                            wanted.values.size(), ", or they differ"));
  }
  ++figures_.equal;
  figures_.bytes += wanted.key.size();
  for (const std::string& value : wanted.values) figures_.bytes += value.size();
}

void VerifyRun::Wait() {
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [&] { return in_flight_ == 0; });
}

VerifyFigures VerifyRun::figures() const {
  std::lock_guard lock(mutex_);
  return figures_;
}

}  // namespace henge::cli
