#include "cli/resume_file.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "cli/record_walk.h"

namespace henge::cli {
namespace {

class ResumeFileTest : public testing::Test {
 protected:
  ResumeFileTest()
      : path_(testing::TempDir() + "henge_resume_" + testing::UnitTest::GetInstance()->current_test_info()->name()) {}
  ~ResumeFileTest() override { std::filesystem::remove(path_); }
  std::string path_;
};

TEST_F(ResumeFileTest, AFileThatIsNotThereIsAnEmptyPosition) { EXPECT_EQ(*ResumeFile(path_).Read(), ""); }

TEST_F(ResumeFileTest, KeepsTheLastPositionAndLeavesNoOtherFile) {
  ResumeFile file(path_);
  ASSERT_TRUE(file.Write("first").ok());
  ASSERT_TRUE(file.Write("second").ok());
  EXPECT_EQ(*ResumeFile(path_).Read(), "second");
  EXPECT_FALSE(std::filesystem::exists(path_ + ".new"));
  ASSERT_TRUE(file.Remove().ok());
  EXPECT_FALSE(std::filesystem::exists(path_));
  EXPECT_TRUE(file.Remove().ok());
}

TEST_F(ResumeFileTest, AnUnwritablePlaceIsAClearError) {
  absl::Status status = ResumeFile("/no/such/directory/file").Write("x");
  EXPECT_FALSE(status.ok());
  EXPECT_NE(std::string(status.message()).find("/no/such/directory/file"), std::string::npos);
}

TEST_F(ResumeFileTest, WithoutAPathNothingHappens) {
  ResumeFile none("");
  EXPECT_TRUE(none.Write("x").ok());
  EXPECT_EQ(*none.Read(), "");
  EXPECT_TRUE(none.Remove().ok());
}

TEST(WalkPositionTest, GoesThroughATokenOfText) {
  for (const WalkPosition& position : {WalkPosition{}, WalkPosition{std::string("\0\xff", 2), ""},
                                       WalkPosition{"c", "k\n"}, WalkPosition{"", "only a key"}}) {
    std::string token = EncodePosition(position);
    EXPECT_EQ(token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.="),
              std::string::npos);
    auto decoded = DecodePosition(token);
    ASSERT_TRUE(decoded.ok()) << token;
    EXPECT_EQ(decoded->cursor, position.cursor);
    EXPECT_EQ(decoded->last_key, position.last_key);
  }
  EXPECT_FALSE(DecodePosition("!!").ok());
  EXPECT_FALSE(DecodePosition("").ok());
}

}  // namespace
}  // namespace henge::cli
