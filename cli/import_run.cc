#include "cli/import_run.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace henge::cli {

ImportRun::ImportRun(Client client, CallOptions options, bool blind, size_t in_flight_max, OnError on_error)
    : client_(std::move(client)),
      options_(std::move(options)),
      blind_(blind),
      in_flight_max_(in_flight_max),
      on_error_(std::move(on_error)) {}

ImportRun::~ImportRun() { Wait(); }

void ImportRun::Add(uint64_t line, ImportRecord record) {
  auto item = std::make_shared<Item>(Item{line, std::move(record)});
  item->bytes = item->record.key.size();
  for (const std::string& value : item->record.values) item->bytes += value.size();
  {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [&] { return in_flight_ < in_flight_max_ && keys_.count(item->record.key) == 0; });
    ++in_flight_;
    keys_.insert(item->record.key);
    open_lines_.insert(line);
  }
  if (blind_)
    Write(item, "");
  else
    Read(item);
}

void ImportRun::AddBad(uint64_t line, const absl::Status& why) {
  std::lock_guard lock(mutex_);
  ++figures_.failed;
  on_error_(line, why);
}

void ImportRun::Wait() {
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [&] { return in_flight_ == 0; });
}

void ImportRun::Read(const ItemPtr& item) {
  client_.GetAsync(item->record.key, options_, [this, item](absl::StatusOr<ReadResult> read) {
    if (!read.ok()) return End(item, read.status());
    Write(item, read->context);
  });
}

// The first version takes the place of what was read; further ones stand beside it, as they did where they come from.
void ImportRun::Write(const ItemPtr& item, const std::string& context) {
  const std::string& value = item->record.values[item->next_value++];
  client_.PutAsync(item->record.key, value, context, options_, [this, item](WriteResult result) {
    if (!result.ok() || item->next_value == item->record.values.size()) return End(item, result.status);
    Write(item, "");
  });
}

void ImportRun::End(const ItemPtr& item, const absl::Status& status) {
  std::lock_guard lock(mutex_);
  --in_flight_;
  keys_.erase(item->record.key);
  bool settled = status.ok() || status.code() == absl::StatusCode::kInvalidArgument;
  if (settled) open_lines_.erase(item->line);
  if (status.ok()) {
    ++figures_.written;
    figures_.bytes += item->bytes;
  } else {
    ++figures_.failed;
    on_error_(item->line, status);
  }
  ended_.notify_all();
}

ImportFigures ImportRun::figures() const {
  std::lock_guard lock(mutex_);
  return figures_;
}

uint64_t ImportRun::first_open_line(uint64_t lines_read) const {
  std::lock_guard lock(mutex_);
  return open_lines_.empty() ? lines_read + 1 : *open_lines_.begin();
}

}  // namespace henge::cli
