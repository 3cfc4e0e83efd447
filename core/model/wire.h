// Reading and writing the bytes of every own format: fixed integers are little-endian, counts are varints.
//
// A varint holds 7 bits a byte, low bits first; only the shortest form is accepted, so that equal values have equal
// bytes. Pure; no ownership: a reader views its input, a writer appends to the string that it is given.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace henge {

inline constexpr size_t kVarintBytesMax = 10;

constexpr size_t VarintSize(uint64_t value) {
  size_t size = 1;
  for (; value >= 0x80; value >>= 7) ++size;
  return size;
}

inline char* PutFixed32(char* to, uint32_t value) {
  for (int i = 0; i < 4; ++i) to[i] = static_cast<char>(value >> (8 * i));
  return to + 4;
}

inline char* PutFixed64(char* to, uint64_t value) {
  for (int i = 0; i < 8; ++i) to[i] = static_cast<char>(value >> (8 * i));
  return to + 8;
}

inline char* PutVarint(char* to, uint64_t value) {
  for (; value >= 0x80; value >>= 7) *to++ = static_cast<char>(value | 0x80);
  *to++ = static_cast<char>(value);
  return to;
}

class ByteWriter {
 public:
  explicit ByteWriter(std::string* out) : out_(out) {}

  void Byte(uint8_t value) { out_->push_back(static_cast<char>(value)); }
  void Fixed32(uint32_t value) {
    char buffer[4];
    out_->append(buffer, PutFixed32(buffer, value) - buffer);
  }
  void Fixed64(uint64_t value) {
    char buffer[8];
    out_->append(buffer, PutFixed64(buffer, value) - buffer);
  }
  void Varint(uint64_t value) {
    char buffer[kVarintBytesMax];
    out_->append(buffer, PutVarint(buffer, value) - buffer);
  }
  void Raw(std::string_view bytes) { out_->append(bytes); }
  // A length and that many bytes.
  void String(std::string_view bytes) {
    Varint(bytes.size());
    Raw(bytes);
  }

 private:
  std::string* out_;
};

// Reads until something is wrong; from then on ok() is false and every read gives zero. So a caller may read a whole
// struct and look at ok() once, as long as it doesn't loop or allocate by a number that it hasn't bounded.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool ok() const { return ok_; }
  size_t remaining() const { return static_cast<size_t>(end_ - at_); }
  // Everything was read, and nothing was wrong.
  bool AtEnd() const { return ok_ && at_ == end_; }

  void Fail() {
    ok_ = false;
    at_ = end_;
  }

  uint8_t Byte() {
    if (at_ == end_) {
      Fail();
      return 0;
    }
    return static_cast<uint8_t>(*at_++);
  }

  uint32_t Fixed32() { return static_cast<uint32_t>(Fixed<4>()); }
  uint64_t Fixed64() { return Fixed<8>(); }

  uint64_t Varint() {
    if (at_ != end_ && static_cast<uint8_t>(*at_) < 0x80) return static_cast<uint8_t>(*at_++);
    return LongVarint();
  }

  // A varint that is at most `max`.
  uint64_t VarintUpTo(uint64_t max) {
    uint64_t value = Varint();
    if (value <= max) return value;
    Fail();
    return 0;
  }

  // How many items follow, each of which takes at least `item_bytes_min` bytes: bounded by the bytes that are there.
  size_t Count(size_t item_bytes_min) {
    const uint64_t count = Varint();
    if (count <= remaining() / item_bytes_min) return count;
    Fail();
    return 0;
  }

  std::string_view Raw(size_t size) {
    if (size > remaining()) {
      Fail();
      return {};
    }
    std::string_view bytes(at_, size);
    at_ += size;
    return bytes;
  }

  std::string_view String() { return Raw(Varint()); }

 private:
  template <int kBytes>
  uint64_t Fixed() {
    if (remaining() < kBytes) {
      Fail();
      return 0;
    }
    uint64_t value = 0;
    for (int i = 0; i < kBytes; ++i) value |= uint64_t{static_cast<uint8_t>(at_[i])} << (8 * i);
    at_ += kBytes;
    return value;
  }

  uint64_t LongVarint() {
    uint64_t value = 0;
    for (size_t i = 0; i < kVarintBytesMax && at_ != end_; ++i) {
      uint8_t byte = static_cast<uint8_t>(*at_++);
      value |= uint64_t{byte & 0x7fu} << (7 * i);
      if (byte >= 0x80) continue;
      bool shortest = byte != 0;
      bool fits = i + 1 < kVarintBytesMax || byte == 1;
      if (shortest && fits) return value;
      break;
    }
    Fail();
    return 0;
  }

  const char* at_;
  const char* end_;
  bool ok_ = true;
};

}  // namespace henge
