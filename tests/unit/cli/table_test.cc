#include "cli/table.h"

#include <gtest/gtest.h>

#include <sstream>

#include "cli/progress.h"

namespace henge::cli {
namespace {

TEST(TableTest, ColumnsAreAlignedAndLinesHaveNoTrailingSpace) {
  Table table({{"NAME"}, {"KEYS", Table::Align::kRight}, {"NOTE"}});
  table.AddRow({"n1", "5", ""});
  table.AddRow({"longer", "12345", "x"});
  std::ostringstream out;
  table.Print(out);
  EXPECT_EQ(out.str(),
            "NAME     KEYS  NOTE\n"
            "n1          5\n"
            "longer  12345  x\n");
}

TEST(TableTest, WidthCountsCharactersNotBytes) {
  Table table({{"A"}, {"B"}});
  table.AddRow({"\xc3\xbc", "1"});
  table.AddRow({"ab", "2"});
  std::ostringstream out;
  table.Print(out);
  EXPECT_EQ(out.str(), "A   B\n\xc3\xbc   1\nab  2\n");
}

TEST(ProgressTest, ShowsShareCountsAndRate) {
  EXPECT_EQ(ProgressLine({.share = 0.5, .items = 100, .bytes = 2048, .seconds = 2}, "keys"),
            "[============>           ]  50 %  100 keys  2.0 KiB  50 keys/s");
}

TEST(ProgressTest, WithoutAKnownWholeThereIsNoBar) {
  EXPECT_EQ(ProgressLine({.share = -1, .items = 3, .bytes = 10, .seconds = 0}, "records"), "3 records  10 B");
}

TEST(ProgressTest, DrawsOnlyOnATerminalAndCleansUp) {
  std::istringstream in;
  std::ostringstream out, err;
  Terminal terminal{.in = in, .out = out, .err = err, .environment = nullptr};
  { Progress(terminal, true, "keys").Update(0.5, 1, 1); }
  EXPECT_EQ(err.str(), "");
  terminal.err_is_terminal = true;
  { Progress(terminal, true, "keys").Update(0.5, 1, 1); }
  EXPECT_NE(err.str().find("50 %"), std::string::npos);
  EXPECT_EQ(err.str().substr(err.str().size() - 4), "\r\033[K");
  EXPECT_EQ(out.str(), "");
}

}  // namespace
}  // namespace henge::cli
