#include "cli/encoding.h"

#include <gtest/gtest.h>

namespace henge::cli {
namespace {

TEST(EncodingTest, TellsUtf8FromOtherBytes) {
  for (const char* good : {"", "plain", "gr\xc3\xbc\xc3\x9f", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_TRUE(IsUtf8(good)) << good;
  }
  for (const char* bad : {"\xff", "\x80", "\xc3", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                          "\xf5\x80\x80\x80", "ok then \xe2\x82"}) {
    EXPECT_FALSE(IsUtf8(bad)) << bad;
  }
}

TEST(EncodingTest, Base64GoesBothWaysAndRefusesOtherText) {
  std::string bytes("\0\xff\x10 text", 8);
  EXPECT_EQ(*FromBase64(Base64(bytes)), bytes);
  EXPECT_FALSE(FromBase64("not base64!").ok());
}

TEST(EncodingTest, OneLineShowsControlAndForeignBytesEscaped) {
  EXPECT_EQ(OneLine("a\tb\n", 100), "a\\tb\\n");
  EXPECT_EQ(OneLine("\x1b[31m", 100), "\\x1b[31m");
  EXPECT_EQ(OneLine("gr\xc3\xbc\xc3\x9f\xff", 100), "gr\xc3\xbc\xc3\x9f\\xff");
}

TEST(EncodingTest, OneLineNeverCutsACharacter) {
  EXPECT_EQ(OneLine("abcdef", 3), "abc...");
  EXPECT_EQ(OneLine("ab\xc3\xbc", 3), "ab...");
}

TEST(EncodingTest, SizesAndTimesReadWell) {
  EXPECT_EQ(HumanBytes(0), "0 B");
  EXPECT_EQ(HumanBytes(1023), "1023 B");
  EXPECT_EQ(HumanBytes(1536), "1.5 KiB");
  EXPECT_EQ(HumanBytes(uint64_t{5} << 40), "5.0 TiB");
  EXPECT_EQ(HumanDuration(0), "0 s");
  EXPECT_EQ(HumanDuration(0.25), "250 ms");
  EXPECT_EQ(HumanDuration(59.9), "59 s");
  EXPECT_EQ(HumanDuration(302), "5 min 2 s");
  EXPECT_EQ(HumanDuration(90000), "1 d 1 h");
}

}  // namespace
}  // namespace henge::cli
