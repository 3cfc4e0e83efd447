#include "node/real/log_line.h"

namespace henge {
namespace {

WallTime At(int64_t ms) { return WallTime(std::chrono::milliseconds(ms)); }

TEST(FormatUtcTest, IsRfc3339WithMilliseconds) {
  EXPECT_EQ(FormatUtc(At(0)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(FormatUtc(At(951'827'696'789)), "2000-02-29T12:34:56.789Z");
  EXPECT_EQ(FormatUtc(At(4'102'444'799'999)), "2099-12-31T23:59:59.999Z");
  EXPECT_EQ(FormatUtc(At(-1)), "1969-12-31T23:59:59.999Z");
}

TEST(FormatLogLineTest, TextIsOneLineOfWords) {
  EXPECT_EQ(FormatLogLine(LogFormat::kText, At(0), Severity::kInfo, "n1", "NodeServing",
                          {{"shards", uint64_t{2}}, {"offset", int64_t{-5}}, {"zone", std::string("a")}}),
            "1970-01-01T00:00:00.000Z INFO n1 NodeServing shards=2 offset=-5 zone=a");
}

TEST(FormatLogLineTest, JsonHasTheDocumentedFieldsFirst) {
  EXPECT_EQ(FormatLogLine(LogFormat::kJson, At(0), Severity::kAlarm, "n1", "DotCollision",
                          {{"count", ~uint64_t{0}}, {"offset", int64_t{-5}}, {"zone", std::string("a")}}),
            R"({"ts":"1970-01-01T00:00:00.000Z","level":"alarm","msg":"DotCollision","node":"n1",)"
            R"("count":18446744073709551615,"offset":-5,"zone":"a"})");
}

TEST(FormatLogLineTest, NamesEverySeverity) {
  const auto level = [](Severity severity) { return FormatLogLine(LogFormat::kText, At(0), severity, "n", "E", {}); };
  EXPECT_EQ(level(Severity::kDebug), "1970-01-01T00:00:00.000Z DEBUG n E");
  EXPECT_EQ(level(Severity::kWarning), "1970-01-01T00:00:00.000Z WARN n E");
  EXPECT_EQ(level(Severity::kError), "1970-01-01T00:00:00.000Z ERROR n E");
  EXPECT_EQ(level(Severity::kAlarm), "1970-01-01T00:00:00.000Z ALARM n E");
  EXPECT_EQ(SeverityName(Severity::kDebug), "debug");
  EXPECT_EQ(SeverityName(Severity::kInfo), "info");
  EXPECT_EQ(SeverityName(Severity::kWarning), "warn");
  EXPECT_EQ(SeverityName(Severity::kError), "error");
}

TEST(FormatLogLineTest, NoFieldBreaksOutOfItsTextLine) {
  const auto text = [](std::string value) {
    return FormatLogLine(LogFormat::kText, At(0), Severity::kInfo, "n", "E", {{"f", std::move(value)}}).substr(34);
  };
  EXPECT_EQ(text("two words"), R"(f="two words")");
  EXPECT_EQ(text(""), R"(f="")");
  EXPECT_EQ(text("a=b"), R"(f="a=b")");
  EXPECT_EQ(text("a\nb\r\t\"\\"), R"(f="a\nb\r\t\"\\")");
  EXPECT_EQ(text(std::string("\0\x1b\x7f", 3)), R"(f="\u0000\u001b\u007f")");
  EXPECT_EQ(text("gr\xc3\xbc\xc3\x9f"), "f=\"gr\xc3\xbc\xc3\x9f\"");
  EXPECT_EQ(text("\xff\x80"), R"(f="\xff\x80")");
}

TEST(FormatLogLineTest, JsonIsValidWhateverTheBytes) {
  const auto json = [](std::string value) {
    const std::string line =
        FormatLogLine(LogFormat::kJson, At(0), Severity::kInfo, "n", "E", {{"f", std::move(value)}});
    const size_t at = line.find("\"f\":") + 4;
    return line.substr(at, line.size() - at - 1);
  };
  EXPECT_EQ(json("a\"b\\c\n"), R"("a\"b\\c\n")");
  EXPECT_EQ(json(std::string("\0", 1)), R"("\u0000")");
  EXPECT_EQ(json("\xe2\x82\xac \xf0\x9f\x98\x80"), "\"\xe2\x82\xac \xf0\x9f\x98\x80\"");
  // Not UTF-8: a lone continuation, a cut sequence, an overlong slash, a surrogate, beyond U+10FFFF.
  EXPECT_EQ(json("\x80"), R"("\ufffd")");
  EXPECT_EQ(json("\xe2\x82"), R"("\ufffd\ufffd")");
  EXPECT_EQ(json("\xc0\xaf"), R"("\ufffd\ufffd")");
  EXPECT_EQ(json("\xed\xa0\x80"), R"("\ufffd\ufffd\ufffd")");
  EXPECT_EQ(json("\xf4\x90\x80\x80"), R"("\ufffd\ufffd\ufffd\ufffd")");
}

TEST(FormatLogLineTest, OurFieldNamesAreOurs) {
  EXPECT_EQ(FormatLogLine(LogFormat::kText, At(0), Severity::kInfo, "n", "E", {{"node", uint64_t{3}}}),
            "1970-01-01T00:00:00.000Z INFO n E node_=3");
}

}  // namespace
}  // namespace henge
