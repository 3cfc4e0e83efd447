#include "node/hints/leaf_message.h"

#include "absl/strings/str_cat.h"
#include "core/model/limits.h"
#include "core/model/wire.h"

namespace henge {
namespace {

absl::Status CheckVersion(uint8_t version) {
  if (version == kLeafMessageVersion) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("a message about leaves of version ", version, ", this node knows ",
                                                    kLeafMessageVersion, ": upgrade this node, or the sender"));
}

absl::Status Corrupt() { return absl::InvalidArgumentError("a message about leaves that is truncated or corrupt"); }

}  // namespace

std::string LeafAsk::Encode() const {
  std::string bytes;
  ByteWriter out(&bytes);
  out.Byte(kLeafMessageVersion);
  out.Varint(parameters.hash_version);
  out.Varint(parameters.leaves);
  out.Varint(parameters.branches);
  out.Fixed64(parameters.cluster.value());
  out.Varint(parameters.epoch.value());
  out.Varint(partition.value());
  out.Varint(segments.count());
  for (size_t i = 0; i < segments.size(); ++i) {
    if (segments[i]) out.Byte(static_cast<uint8_t>(i));
  }
  return bytes;
}

absl::StatusOr<LeafAsk> LeafAsk::Decode(std::string_view bytes) {
  ByteReader in(bytes);
  const uint8_t version = in.Byte();
  if (!in.ok()) return Corrupt();
  if (absl::Status known = CheckVersion(version); !known.ok()) return known;
  LeafAsk ask;
  ask.parameters.hash_version = static_cast<uint32_t>(in.VarintUpTo(UINT32_MAX));
  ask.parameters.leaves = static_cast<uint32_t>(in.VarintUpTo(UINT32_MAX));
  ask.parameters.branches = static_cast<uint32_t>(in.VarintUpTo(UINT32_MAX));
  ask.parameters.cluster = ClusterId(in.Fixed64());
  ask.parameters.epoch = LayoutEpoch(in.Varint());
  ask.partition = PartitionId(static_cast<uint16_t>(in.VarintUpTo(kPartitionCount - 1)));
  const uint64_t count = in.VarintUpTo(ask.segments.size());
  int last = -1;
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    const int segment = in.Byte();
    if (segment <= last) return Corrupt();
    last = segment;
    ask.segments.set(static_cast<size_t>(segment));
  }
  if (!in.AtEnd()) return Corrupt();
  return ask;
}

std::string LeafAnswer::Encode() const {
  std::string bytes;
  ByteWriter out(&bytes);
  out.Byte(kLeafMessageVersion);
  out.Varint(hashes.size());
  for (uint64_t hash : hashes) out.Fixed64(hash);
  return bytes;
}

absl::StatusOr<LeafAnswer> LeafAnswer::Decode(std::string_view bytes) {
  ByteReader in(bytes);
  const uint8_t version = in.Byte();
  if (!in.ok()) return Corrupt();
  if (absl::Status known = CheckVersion(version); !known.ok()) return known;
  LeafAnswer answer;
  const uint64_t count = in.VarintUpTo(kTreeLeaves);
  for (uint64_t i = 0; i < count && in.ok(); ++i) answer.hashes.push_back(in.Fixed64());
  if (!in.AtEnd()) return Corrupt();
  return answer;
}

std::vector<uint64_t> HashesOf(const PartitionTree& tree, const SegmentSet& segments) {
  std::vector<uint64_t> hashes;
  hashes.reserve(segments.count());
  for (size_t i = 0; i < segments.size(); ++i) {
    if (segments[i]) hashes.push_back(tree.leaf(static_cast<uint8_t>(i)));
  }
  return hashes;
}

}  // namespace henge
