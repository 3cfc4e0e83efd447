// The bytes of a version vector, as objects and contexts hold it (docs/FORMAT.md, "Version vector").
#pragma once

#include <cstddef>
#include <string>

#include "core/model/version_vector.h"
#include "core/model/wire.h"

namespace henge {

// Store and lifetime, then epoch and counter.
inline constexpr size_t kVvEntryBytesMin = 8 + 8 + 1 + 1;

size_t EncodedVvSize(const VersionVector& vv);
void EncodeVv(const VersionVector& vv, std::string* out);

// Fails `in` for what EncodeVv doesn't write: entries out of order, an epoch or a counter of zero.
VersionVector DecodeVv(ByteReader* in);

}  // namespace henge
