#include "node/real/spdlog_tracer.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "node/real/system_clock.h"

namespace henge {
namespace {

class SpdlogTracerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = (std::filesystem::temp_directory_path() / "henge-log-XXXXXX").string();
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<SpdlogTracer> OpenLog(LogOptions options) {
    options.node = "n1";
    options.file = folder_ + "/log";
    auto opened = SpdlogTracer::Open(std::move(options), clock_);
    EXPECT_TRUE(opened.ok()) << opened.status();
    return *std::move(opened);
  }
  std::vector<std::string> Lines() const {
    std::ifstream in(folder_ + "/log");
    std::vector<std::string> out;
    for (std::string line; std::getline(in, line);) out.push_back(line);
    return out;
  }

  SystemClock clock_;
  std::string folder_;
};

TEST_F(SpdlogTracerTest, AppendsToTheFile) {
  { OpenLog({})->Event(Severity::kInfo, "First", {}); }
  { OpenLog({.format = LogFormat::kJson})->Event(Severity::kInfo, "Second", {}); }
  ASSERT_EQ(Lines().size(), 2u);
  EXPECT_THAT(Lines()[0], ::testing::EndsWith(" INFO n1 First"));
  EXPECT_THAT(Lines()[1], ::testing::HasSubstr("\"msg\":\"Second\""));
}

TEST_F(SpdlogTracerTest, BracesAreNoFormat) {
  OpenLog({})->Event(Severity::kInfo, "E", {{"f", std::string("{}{0}%v%n")}});
  ASSERT_EQ(Lines().size(), 1u);
  EXPECT_THAT(Lines()[0], ::testing::EndsWith("f={}{0}%v%n"));
}

TEST_F(SpdlogTracerTest, TheLevelChangesWhileItRuns) {
  auto log = OpenLog({.level = Severity::kError});
  log->Event(Severity::kWarning, "Unseen", {});
  log->SetLevel(Severity::kDebug);
  log->Event(Severity::kDebug, "Seen", {});
  log->Flush();
  ASSERT_EQ(Lines().size(), 1u);
}

TEST_F(SpdlogTracerTest, LinesOfManyThreadsStayWhole) {
  auto log = OpenLog({.queued_lines_max = 1'000'000});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&log, t] {
      for (int i = 0; i < 5000; ++i) log->Event(Severity::kInfo, "E", {{"t", int64_t{t}}, {"i", int64_t{i}}});
    });
  }
  for (std::thread& thread : threads) thread.join();
  log.reset();
  std::map<std::string, int> next;
  for (const std::string& line : Lines()) {
    const size_t t = line.find(" t=");
    ASSERT_NE(t, std::string::npos);
    const std::string thread = line.substr(t + 3, 1);
    ASSERT_EQ(line.substr(t + 4), " i=" + std::to_string(next[thread]++));
  }
  for (const auto& [thread, count] : next) EXPECT_EQ(count, 5000);
  EXPECT_EQ(next.size(), 4u);
}

TEST_F(SpdlogTracerTest, AFullQueueDropsWhatIsNotSeriousAndSaysSo) {
  auto log = OpenLog({.queued_lines_max = 0});
  for (int i = 0; i < 7; ++i) log->Event(Severity::kWarning, "Dropped", {});
  log->Event(Severity::kError, "Kept", {});
  log->Flush();
  EXPECT_EQ(log->dropped(), 7u);
  const std::vector<std::string> lines = Lines();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_THAT(lines[0], ::testing::HasSubstr("Kept"));
  EXPECT_THAT(lines[1], ::testing::EndsWith("LogLinesDropped count=7"));
}

TEST_F(SpdlogTracerTest, AFileThatCannotBeOpenedIsAClearError) {
  std::ofstream(folder_ + "/file") << "x";
  LogOptions options;
  options.file = folder_ + "/file/log";
  const auto opened = SpdlogTracer::Open(options, clock_);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(opened.status().message()), ::testing::HasSubstr(options.file));
}

TEST_F(SpdlogTracerTest, AFailingSinkIsCountedAndCostsNobodyAnything) {
  LogOptions options;
  options.file = "/dev/full";
  auto opened = SpdlogTracer::Open(options, clock_);
  ASSERT_TRUE(opened.ok()) << opened.status();
  // More than the C library buffers, so that it has to be written.
  for (int i = 0; i < 1000; ++i) (*opened)->Event(Severity::kInfo, "E", {{"f", std::string(1000, 'x')}});
  (*opened)->Flush();
  EXPECT_GT((*opened)->dropped(), 0u);
}

}  // namespace
}  // namespace henge
