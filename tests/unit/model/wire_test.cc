#include "core/model/wire.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

namespace henge {
namespace {

constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();

TEST(WireTest, VarintsOfEveryLengthComeBack) {
  for (int bits = 0; bits < 64; ++bits) {
    for (uint64_t value : {(uint64_t{1} << bits) - 1, uint64_t{1} << bits, kMax >> bits}) {
      std::string bytes;
      ByteWriter(&bytes).Varint(value);
      EXPECT_EQ(bytes.size(), VarintSize(value));
      ByteReader in(bytes);
      EXPECT_EQ(in.Varint(), value);
      EXPECT_TRUE(in.AtEnd());
    }
  }
}

TEST(WireTest, LongerFormsOfAVarintAreRefused) {
  for (const std::string& bytes :
       {std::string("\x80\x00", 2), std::string("\x81\x80\x00", 3), std::string("\xff\x00", 2)}) {
    ByteReader in(bytes);
    EXPECT_EQ(in.Varint(), 0u);
    EXPECT_FALSE(in.ok());
  }
}

TEST(WireTest, VarintsBeyond64BitsAreRefused) {
  std::string max(9, '\xff');
  std::string fitting = max + '\x01';
  ByteReader in(fitting);
  EXPECT_EQ(in.Varint(), kMax);
  for (char last : {'\x02', '\x7f', '\x81'}) {
    std::string over = max + last + '\x01';
    ByteReader bad(over);
    bad.Varint();
    EXPECT_FALSE(bad.ok());
  }
}

TEST(WireTest, FixedIntegersAreLittleEndian) {
  std::string bytes;
  ByteWriter out(&bytes);
  out.Fixed32(0x04030201);
  out.Fixed64(0x0c0b0a0908070605);
  EXPECT_EQ(bytes, "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c");
  ByteReader in(bytes);
  EXPECT_EQ(in.Fixed32(), 0x04030201u);
  EXPECT_EQ(in.Fixed64(), 0x0c0b0a0908070605u);
  EXPECT_TRUE(in.AtEnd());
}

TEST(WireTest, AReaderThatFailedStaysFailedAndGivesZeros) {
  std::string bytes = "\x05only";
  ByteReader in(bytes);
  EXPECT_EQ(in.String(), "");
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.remaining(), 0u);
  EXPECT_EQ(in.Byte(), 0);
  EXPECT_EQ(in.Fixed64(), 0u);
  EXPECT_EQ(in.Varint(), 0u);
  EXPECT_FALSE(in.AtEnd());
}

TEST(WireTest, ACountIsBoundedByTheBytesThatAreLeft) {
  std::string bytes = std::string("\x03") + std::string(29, 'x');
  EXPECT_FALSE([&] {
    ByteReader in(bytes);
    in.Count(10);
    return in.ok();
  }());
  bytes += 'x';
  ByteReader in(bytes);
  EXPECT_EQ(in.Count(10), 3u);
  EXPECT_TRUE(in.ok());
}

}  // namespace
}  // namespace henge
