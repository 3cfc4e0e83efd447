#include "core/model/vv_codec.h"

namespace henge {

size_t EncodedVvSize(const VersionVector& vv) {
  size_t size = VarintSize(vv.size());
  for (const VersionVector::Entry& entry : vv.entries()) {
    size += 16 + VarintSize(entry.actor.epoch) + VarintSize(entry.counter);
  }
  return size;
}

void EncodeVv(const VersionVector& vv, std::string* out) {
  char buffer[16 + 2 * kVarintBytesMax];
  out->append(buffer, PutVarint(buffer, vv.size()) - buffer);
  for (const VersionVector::Entry& entry : vv.entries()) {
    char* to = PutFixed64(buffer, entry.actor.store.value());
    to = PutFixed64(to, entry.actor.lifetime.value());
    to = PutVarint(to, entry.actor.epoch);
    to = PutVarint(to, entry.counter);
    out->append(buffer, to - buffer);
  }
}

VersionVector DecodeVv(ByteReader* in) {
  VersionVector vv;
  const size_t count = in->Count(kVvEntryBytesMin);
  vv.Reserve(count);
  Actor previous;
  for (size_t i = 0; i < count; ++i) {
    Actor actor{StoreId(in->Fixed64()), Lifetime(in->Fixed64()), in->Varint()};
    const uint64_t counter = in->Varint();
    if (actor.epoch == 0 || counter == 0 || actor <= previous) {
      in->Fail();
      break;
    }
    vv.Raise(actor, counter);
    previous = actor;
  }
  return in->ok() ? vv : VersionVector();
}

}  // namespace henge
