#include "node/scan_cursor.h"

#include "absl/status/status.h"
#include "core/model/hash.h"
#include "core/model/limits.h"
#include "core/model/wire.h"

namespace henge {
namespace {

constexpr uint8_t kFormat = 1;
constexpr uint64_t kChecksumSeed = 0x7363'616e'6375'7273;
constexpr size_t kChecksumBytes = 8;

}  // namespace

std::string SealScanCursor(const ScanCursor& cursor, ClusterId cluster) {
  std::string bytes;
  ByteWriter out(&bytes);
  out.Byte(kFormat);
  out.Fixed64(cluster.value());
  out.Varint(static_cast<uint64_t>(cursor.partition));
  out.String(cursor.in_partition);
  const uint64_t checksum = Hash64(bytes, kChecksumSeed);
  out.Fixed64(checksum);
  return bytes;
}

absl::StatusOr<ScanCursor> OpenScanCursor(std::string_view sealed, ClusterId cluster) {
  if (sealed.empty()) return ScanCursor{};
  auto refused = [] {
    return absl::InvalidArgumentError(
        "the scan cursor is broken: give exactly what the last page returned, or none to start again");
  };
  if (sealed.size() < kChecksumBytes) return refused();
  const std::string_view body = sealed.substr(0, sealed.size() - kChecksumBytes);
  if (ByteReader(sealed.substr(body.size())).Fixed64() != Hash64(body, kChecksumSeed)) return refused();
  ByteReader in(body);
  if (in.Byte() != kFormat) return refused();
  if (in.Fixed64() != cluster.value()) {
    return absl::InvalidArgumentError("the scan cursor is of another cluster: start the scan again without a cursor");
  }
  ScanCursor cursor;
  cursor.partition = static_cast<int>(in.VarintUpTo(kPartitionCount));
  cursor.in_partition = std::string(in.String());
  if (!in.AtEnd()) return refused();
  return cursor;
}

}  // namespace henge
