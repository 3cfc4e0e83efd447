// The engine on the operating system's files and threads, as henged runs it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "node/real/batch_worker_thread.h"
#include "node/real/loop_executor.h"
#include "node/real/system_clock.h"
#include "tests/unit/storage/test_support.h"

namespace henge::storage_test {
namespace {

using ::testing::HasSubstr;

class PosixEngineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "henge_store_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    top = pattern;
    options.data_dir = top + "/some/where/data";
    options.free_bytes_for_writes = options.free_bytes_for_control = 0;
    loop.Start();
  }
  void TearDown() override {
    engine.reset();
    loop.Stop();
    loop.Join();
    std::filesystem::remove_all(top);
  }

  absl::Status Open() {
    auto opened = OpenStoreEngine(options, workers, tracer, nullptr);
    if (opened.ok()) engine = *std::move(opened);
    return opened.status();
  }

  absl::Status Put(std::string key, std::string object) {
    absl::Status result;
    std::atomic<bool> done = false;
    engine->Commit({Item(std::move(key), std::move(object))}, loop, [&](absl::Status status, const auto& /*items*/) {
      result = std::move(status);
      done = true;
      done.notify_one();
    });
    done.wait(false);
    return result;
  }

  std::string Get(const std::string& key) {
    StoreEngine::ReadResult result = absl::UnknownError("not answered");
    std::atomic<bool> done = false;
    engine->ReadBlocking({Key(key)}, loop, [&](std::vector<StoreEngine::ReadResult> results) {
      result = std::move(results.at(0));
      done = true;
      done.notify_one();
    });
    done.wait(false);
    if (!result.ok()) return result.status().ToString();
    return result->has_value() ? (*result)->object : "(absent)";
  }

  std::string top;
  StoreOptions options;
  ThreadWorkerFactory workers;
  RecordingTracer tracer;
  SystemClock clock;
  LoopExecutor loop{clock, LoopOptions{"test", 1024}};
  std::unique_ptr<StoreEngine> engine;
};

TEST_F(PosixEngineTest, MakesItsDirectoriesAndKeepsWhatIsCommitted) {
  ASSERT_TRUE(Open().ok());
  StoreId id = engine->store_id();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Put(absl::StrCat("key", i), absl::StrCat("value", i)).ok());
  engine.reset();
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(engine->store_id(), id);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(Get(absl::StrCat("key", i)), absl::StrCat("value", i));
  StoreFigures figures = engine->figures();
  EXPECT_GE(figures.keys_estimate, 20);
  EXPECT_GT(figures.data_bytes, 0);
  EXPECT_GT(figures.memory_bytes, 0);
}

TEST_F(PosixEngineTest, AnotherProcessIsRefusedWhileThisOneHoldsTheLock) {
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(OpenStoreEngine(options, workers, tracer, nullptr).status().code(), absl::StatusCode::kFailedPrecondition)
      << "in this process too";
  pid_t child = fork();
  if (child == 0) {
    absl::Status status = OpenStoreEngine(options, workers, tracer, nullptr).status();
    bool refused = status.code() == absl::StatusCode::kFailedPrecondition &&
                   std::string(status.message()).find("in use by another process") != std::string::npos;
    _exit(refused ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_TRUE(Put("a", "1").ok());
}

TEST_F(PosixEngineTest, APlaceWhereNothingCanBeMadeIsRefused) {
  std::ofstream(top + "/file") << "not a directory";
  for (const std::string& place : {top + "/file/data", std::string("/proc/henge/data")}) {
    options.data_dir = place;
    absl::Status status = Open();
    EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("choose another one"));
  }
  options.data_dir = "";
  EXPECT_EQ(Open().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(PosixEngineTest, DamageInTheMiddleOfTheLogIsRefused) {
  ASSERT_TRUE(Open().ok());
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(Put(absl::StrCat("key", i), "value").ok());
  std::string copy = top + "/copy";  // of the open store: as a kill would leave it
  std::filesystem::copy(options.data_dir, copy, std::filesystem::copy_options::recursive);
  std::string log;
  for (const auto& entry : std::filesystem::directory_iterator(copy + "/data")) {
    if (entry.path().extension() == ".log") log = entry.path().string();
  }
  ASSERT_FALSE(log.empty());
  std::fstream file(log, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(log) / 2));
  file.put('\x55');
  file.close();
  options.data_dir = copy;
  absl::StatusOr<std::unique_ptr<StoreEngine>> opened = OpenStoreEngine(options, workers, tracer, nullptr);
  EXPECT_EQ(opened.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(opened.status().message()), HasSubstr(std::filesystem::path(log).filename().string()));
}

}  // namespace
}  // namespace henge::storage_test
