#include "cli/export_line.h"

#include <gmock/gmock.h>

namespace henge::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(ExportLineTest, TextStaysReadableAndOtherBytesBecomeBase64) {
  EXPECT_EQ(ExportLine({"k", {"v\"\n"}, ""}, false), R"({"key":"k","value":"v\"\n"})");
  EXPECT_EQ(ExportLine({"\xff", {"\xfe"}, "c"}, true), R"({"key_b64":"/w==","value_b64":"/g==","context":"Yw=="})");
}

TEST(ExportLineTest, WhatIsExportedIsImportedAsItWas) {
  for (const ScanItem& item : {ScanItem{"k", {"v"}, "ctx"}, ScanItem{std::string("\0\xff", 2), {"", "b\xff"}, "x"},
                               ScanItem{"\xc3\xbc", {std::string("\0", 1)}, ""}}) {
    auto record = ParseJsonLine(ExportLine(item, true));
    ASSERT_TRUE(record.ok()) << record.status();
    EXPECT_EQ(record->key, item.key);
    EXPECT_EQ(record->values, item.values);
  }
}

TEST(ExportLineTest, ABadLineSaysWhatIsWrongWithIt) {
  const std::pair<const char*, const char*> kCases[] = {
      {"nonsense", "not JSON"},
      {"[1]", "not a JSON object"},
      {R"({"value":"v"})", "\"key\" is missing"},
      {R"({"key":"k"})", "\"value\" is missing"},
      {R"({"key":"k","vlaue":"v"})", "did you mean \"value\"?"},
      {R"({"key":1,"value":"v"})", "\"key\" must be a string"},
      {R"({"key":"k","key_b64":"aw==","value":"v"})", "both \"key\" and \"key_b64\""},
      {R"({"key":"k","value_b64":"!"})", "\"value_b64\" is not base64"},
      {R"({"key":"k","siblings":[]})", "at least one version"},
      {R"({"key":"k","siblings":[7]})", "must be an object"},
      {R"({"key":"k","value":"v","siblings":[{"value":"v"}]})", "both a value"},
  };
  for (const auto& [line, why] : kCases) {
    auto record = ParseJsonLine(line);
    EXPECT_EQ(record.status().code(), absl::StatusCode::kInvalidArgument) << line;
    EXPECT_THAT(std::string(record.status().message()), HasSubstr(why)) << line;
  }
}

TEST(ExportLineTest, TabSeparatedLinesHaveEscapes) {
  auto record = ParseTsvLine("a\\tb\tv\\n\\\\\\r");
  ASSERT_TRUE(record.ok());
  EXPECT_EQ(record->key, "a\tb");
  EXPECT_THAT(record->values, ElementsAre("v\n\\\r"));
  EXPECT_THAT(ParseTsvLine("k\tv\tw")->values, ElementsAre("v\tw"));
  EXPECT_FALSE(ParseTsvLine("no tab").ok());
  EXPECT_FALSE(ParseTsvLine("k\t\\x").ok());
  EXPECT_FALSE(ParseTsvLine("k\tends with \\").ok());
}

}  // namespace
}  // namespace henge::cli
