#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/unit/cli/cli_fixture.h"

namespace henge::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

class ScanExportTest : public CliTest {
 protected:
  ScanExportTest()
      : dir_(testing::TempDir() + "henge_scan_" + testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::create_directories(dir_);
    for (int i = 0; i < 25; ++i) store_.Set(absl::StrCat("key", 100 + i), {absl::StrCat("value", i)});
    store_.SetPageItems(10);
  }
  ~ScanExportTest() override { std::filesystem::remove_all(dir_); }

  std::string Slurp(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  // The cursor that a message names.
  static std::string CursorIn(const std::string& message) {
    size_t at = message.find("--cursor ");
    if (at == std::string::npos) return "";
    at += 9;
    return message.substr(at, message.find_first_of(" \n", at) - at);
  }

  std::string dir_;
};

TEST_F(ScanExportTest, AScanListsEveryKeyOnceOverAllPages) {
  CliResult result = Run({"scan"});
  EXPECT_EQ(result.code, ExitCode::kOk);
  auto lines = Lines(result.out);
  EXPECT_EQ(lines.size(), 25u);
  EXPECT_EQ(std::set<std::string>(lines.begin(), lines.end()).size(), 25u);
  EXPECT_THAT(result.err, Not(HasSubstr("there is more")));
}

TEST_F(ScanExportTest, ALimitStopsInsideAPageAndTheCursorGoesOnThere) {
  CliResult first = Run({"scan", "--limit", "13"});
  EXPECT_EQ(Lines(first.out).size(), 13u);
  std::string cursor = CursorIn(first.err);
  ASSERT_NE(cursor, "");
  CliResult second = Run({"scan", "--cursor", cursor});
  EXPECT_EQ(first.out + second.out, Run({"scan"}).out);
}

TEST_F(ScanExportTest, ALimitAtTheVeryStartGoesOnFromThereToo) {
  CliResult first = Run({"scan", "--limit", "1"});
  CliResult second = Run({"scan", "--cursor", CursorIn(first.err)});
  EXPECT_EQ(first.out + second.out, Run({"scan"}).out);
}

TEST_F(ScanExportTest, WhenTheLastKeyIsGoneNothingIsLeftOut) {
  CliResult first = Run({"scan", "--limit", "13"});
  store_.Set("key112", {});
  auto rest = Lines(Run({"scan", "--cursor", CursorIn(first.err)}).out);
  for (int i = 113; i < 125; ++i) EXPECT_THAT(rest, testing::Contains(absl::StrCat("key", i)));
}

TEST_F(ScanExportTest, OnlyKeysWithThePrefixCome) {
  store_.Set("other", {"v"});
  EXPECT_EQ(Run({"scan", "--prefix", "oth"}).out, "other\n");
}

TEST_F(ScanExportTest, ATableIsAlignedAndJsonIsOneRecordALine) {
  std::string table = Run({"scan", "-o", "table", "--limit", "1"}).out;
  EXPECT_EQ(table, "KEY     VERSIONS  BYTES  VALUE\nkey100         1      6  value0\n");
  auto json = nlohmann::json::parse(Lines(Run({"scan", "-o", "json"}).out).at(0));
  EXPECT_EQ(json["key"], "key100");
  EXPECT_EQ(json["value"], "value0");
  EXPECT_TRUE(json.contains("context"));
}

TEST_F(ScanExportTest, ACursorThatIsNoneIsRefused) {
  CliResult result = Run({"scan", "--cursor", "!!"});
  EXPECT_EQ(result.code, ExitCode::kError);
  EXPECT_THAT(result.err, HasSubstr("no cursor"));
}

TEST_F(ScanExportTest, AnExportIsImportedAsItWasWithSiblingsAndBytes) {
  store_.Set("two", {"a", "b"});
  store_.Set(std::string("\0\xff", 2), {"\xfe"});
  std::string exported = Run({"export"}).out;
  FakeCluster other(1, 1);
  FakeStore copy;
  copy.Serve(other);
  CliResult result = Run({"import", "-e", other.endpoints()}, exported);
  EXPECT_EQ(result.code, ExitCode::kOk) << result.err;
  EXPECT_EQ(copy.size(), 27u);
  EXPECT_EQ(copy.Values("key107"), store_.Values("key107"));
  EXPECT_THAT(copy.Values("two"), testing::UnorderedElementsAre("a", "b"));
  EXPECT_THAT(copy.Values(std::string("\0\xff", 2)), testing::ElementsAre("\xfe"));
}

TEST_F(ScanExportTest, AnExportToAFileResumesWhereItStopped) {
  std::string file = dir_ + "/out.jsonl", resume = dir_ + "/resume";
  CliResult first = Run({"export", file, "--resume-file", resume, "--limit", "12"});
  EXPECT_EQ(first.code, ExitCode::kOk) << first.err;
  EXPECT_TRUE(std::filesystem::exists(resume));
  CliResult second = Run({"export", file, "--resume-file", resume});
  EXPECT_EQ(second.code, ExitCode::kOk);
  EXPECT_FALSE(std::filesystem::exists(resume)) << "the work is done";
  EXPECT_EQ(Slurp(file), Run({"export"}).out);
}

TEST_F(ScanExportTest, AFailedPageSaysWhereToGoOn) {
  std::atomic<int> pages{0};
  for (size_t i = 0; i < 3; ++i) {
    cluster_.node(i).OnScan([&](const v1::ScanPageRequest&) {
      v1::ScanPageReply reply;
      if (pages++ == 0) {
        reply.add_entries()->set_key("k");
        reply.set_cursor("next");
      } else {
        reply.set_code(9);
        reply.set_message("it broke");
      }
      return reply;
    });
  }
  CliResult result = Run({"scan"});
  EXPECT_EQ(result.code, ExitCode::kError);
  EXPECT_EQ(result.out, "k\n") << "what came before the failure is shown";
  EXPECT_THAT(result.err, HasSubstr("it broke; go on with --cursor "));
}

TEST_F(ScanExportTest, AFileThatCantBeWrittenIsAClearError) {
  CliResult result = Run({"export", "/no/such/dir/file"});
  EXPECT_EQ(result.code, ExitCode::kError);
  EXPECT_THAT(result.err, HasSubstr("/no/such/dir/file"));
}

}  // namespace
}  // namespace henge::cli
