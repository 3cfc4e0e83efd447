// The bytes of what messages about the cluster state share: who speaks, and an encoded state.
#pragma once

#include <string>
#include <string_view>

#include "core/model/state_message.h"
#include "core/model/wire.h"

namespace henge {

inline void WriteSender(const StateSender& sender, ByteWriter* out) {
  out->Fixed64(sender.cluster.value());
  out->Fixed64(sender.store.value());
  out->Varint(sender.version.value());
  out->Fixed64(sender.digest);
}

inline StateSender ReadSender(ByteReader* in) {
  StateSender sender;
  sender.cluster = ClusterId(in->Fixed64());
  sender.store = StoreId(in->Fixed64());
  sender.version = StateVersion(in->Varint());
  sender.digest = in->Fixed64();
  return sender;
}

// At most kStateBytesMax.
inline std::string ReadStateValue(ByteReader* in) {
  const std::string_view value = in->String();
  if (value.size() > kStateBytesMax) in->Fail();
  return in->ok() ? std::string(value) : std::string();
}

}  // namespace henge
