#include "node/antientropy/recovery_note.h"

#include <optional>
#include <string>
#include <utility>

#include "core/model/limits.h"
#include "core/model/wire.h"
#include "core/runtime/status_macros.h"

namespace henge {
namespace {

constexpr char kNoteName[] = "recovering";
constexpr uint8_t kNoteVersion = 1;

// The version, then a bit for each partition.
std::string Encode(const std::set<PartitionId>& recovering) {
  std::string bytes(1 + kPartitionCount / 8, '\0');
  bytes[0] = static_cast<char>(kNoteVersion);
  for (PartitionId partition : recovering) {
    char& byte = bytes[1 + partition.value() / 8];
    byte = static_cast<char>(static_cast<uint8_t>(byte) | 1u << partition.value() % 8);
  }
  return bytes;
}

}  // namespace

absl::StatusOr<std::set<PartitionId>> RecoveryNote::Load(StoreEngine& engine) {
  HENGE_ASSIGN_OR_RETURN(std::optional<std::string> bytes, engine.ReadMeta(kNoteName));
  std::set<PartitionId> recovering;
  if (!bytes.has_value()) return recovering;
  if (bytes->size() != 1 + kPartitionCount / 8 || static_cast<uint8_t>((*bytes)[0]) != kNoteVersion) {
    return absl::FailedPreconditionError(
        "the data directory's note of recovering partitions is in a form that this program doesn't know: use a newer "
        "henged");
  }
  for (int p = 0; p < kPartitionCount; ++p) {
    const auto byte = static_cast<uint8_t>((*bytes)[1 + p / 8]);
    if ((byte >> p % 8 & 1) != 0) recovering.insert(PartitionId(static_cast<uint16_t>(p)));
  }
  return recovering;
}

absl::Status RecoveryNote::Store(StoreEngine& engine, const std::set<PartitionId>& recovering) {
  return engine.WriteMeta(kNoteName, Encode(recovering));
}

RecoveryNote::RecoveryNote(StoreEngine& engine, Executor& control, std::set<PartitionId> recovering)
    : engine_(engine), control_(control), recovering_(std::move(recovering)) {}

void RecoveryNote::Lost(const std::vector<PartitionId>& partitions) {
  recovering_.insert(partitions.begin(), partitions.end());
  Write();
}

void RecoveryNote::Whole(const std::vector<PartitionId>& partitions) {
  for (PartitionId partition : partitions) recovering_.erase(partition);
  Write();
}

void RecoveryNote::Write() {
  changed_ = true;
  if (writing_) return;
  changed_ = false;
  writing_ = true;
  engine_.CommitMeta(kNoteName, Encode(recovering_), control_,
                     [this, alive = std::weak_ptr<bool>(alive_)](const absl::Status& status) {
                       if (alive.expired()) return;
                       writing_ = false;
                       if (!status.ok()) return;
                       if (changed_) return Write();
                       for (Closure& written : std::exchange(waiting_, {})) written();
                     });
}

void RecoveryNote::WhenWritten(Closure written) {
  if (!writing_) return written();
  waiting_.push_back(std::move(written));
}

}  // namespace henge
