#include <nlohmann/json.hpp>

#include <mutex>

#include "core/model/bucket_changes.h"
#include "tests/unit/cli/cli_fixture.h"

namespace henge::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// The three fake nodes share one cluster state, which the command changes.
class BucketCommandTest : public CliTest {
 protected:
  BucketCommandTest() : state_(cluster_.state()) {
    for (size_t i = 0; i < 3; ++i) {
      cluster_.node(i).OnChangeBucket([this](const v1::ChangeBucketRequest& request) { return Change(request); });
    }
  }

  v1::ChangeBucketReply Change(const v1::ChangeBucketRequest& request) {
    std::lock_guard lock(mutex_);
    BucketSettings settings;
    if (request.has_read_quorum()) settings.read_quorum = request.read_quorum();
    if (request.has_write_quorum()) settings.write_quorum = request.write_quorum();
    if (request.has_ttl_ms()) settings.ttl_ms = request.ttl_ms();
    if (!request.mode().empty()) settings.mode = *ParseBucketMode(request.mode());
    const ConflictPolicy conflict =
        request.conflict().empty() ? ConflictPolicy::kSiblings : *ParseConflict(request.conflict());
    auto next = request.action() == v1::BUCKET_ACTION_CREATE ? CreateBucket(state_, request.name(), conflict, settings)
                : request.action() == v1::BUCKET_ACTION_SET  ? SetBucket(state_, request.name(), settings)
                                                             : DropBucket(state_, request.name());
    v1::ChangeBucketReply reply;
    if (!next.ok()) {
      reply.set_code(static_cast<uint32_t>(next.status().code()));
      reply.set_message(std::string(next.status().message()));
      return reply;
    }
    state_ = *std::move(next);
    state_.version = StateVersion(state_.version.value() + 1);
    for (size_t i = 0; i < 3; ++i) {
      if (i != behind_) cluster_.node(i).SetState(state_);
    }
    reply.set_state_version(state_.version.value());
    return reply;
  }

  std::mutex mutex_;
  ClusterState state_;
  size_t behind_ = 3;  // a node that hears of nothing
};

TEST_F(BucketCommandTest, CreatesListsChangesAndDrops) {
  CliResult created = Run({"bucket", "create", "cache", "--conflict", "lww", "--write-quorum", "1", "--ttl", "2h",
                           "--mode", "strict", "--durability", "fsync"});
  EXPECT_EQ(created.code, ExitCode::kOk) << created.err;
  EXPECT_EQ(created.out, "created bucket 'cache', cluster state version 2\n");
  EXPECT_EQ(created.err, "");
  CliResult listed = Run({"bucket", "list"});
  EXPECT_EQ(listed.code, ExitCode::kOk);
  EXPECT_THAT(listed.out, HasSubstr("default   1  siblings  majority  majority  sloppy  fsync         -"));
  EXPECT_THAT(listed.out, HasSubstr("cache     2  lww       majority         1  strict  fsync        2h"));
  EXPECT_EQ(Run({"bucket", "list", "-o", "raw"}).out, "default\ncache\n");

  EXPECT_EQ(Run({"bucket", "set", "cache", "--ttl", "none", "--write-quorum", "0"}).code, ExitCode::kOk);
  json document = json::parse(Run({"bucket", "list", "-o", "json"}).out);
  ASSERT_EQ(document.size(), 2u);
  EXPECT_EQ(document[1]["name"], "cache");
  EXPECT_EQ(document[1]["ttl_ms"], 0);
  EXPECT_EQ(document[1]["write_quorum"], 0);
  EXPECT_EQ(document[1]["mode"], "strict");

  EXPECT_EQ(Run({"bucket", "drop", "cache", "--yes"}).code, ExitCode::kOk);
  EXPECT_EQ(Run({"bucket", "list", "-o", "raw"}).out, "default\n");
}

TEST_F(BucketCommandTest, SaysWhatTheClusterRefused) {
  CliResult twice = Run({"bucket", "create", "default"});
  EXPECT_EQ(twice.code, ExitCode::kConflict);
  EXPECT_THAT(twice.err, HasSubstr("there is a bucket \"default\" already"));
  CliResult unknown = Run({"bucket", "drop", "nope", "--yes"});
  EXPECT_EQ(unknown.code, ExitCode::kNotFound);
  EXPECT_THAT(unknown.err, HasSubstr("no bucket is named \"nope\""));
  CliResult quorum = Run({"bucket", "create", "x", "--write-quorum", "4"});
  EXPECT_EQ(quorum.code, ExitCode::kError);
  EXPECT_THAT(quorum.err, HasSubstr("w = 4 can't be met"));
  EXPECT_EQ(Run({"bucket", "create", "a b"}).code, ExitCode::kError);
}

TEST_F(BucketCommandTest, RefusesWhatMakesNoSense) {
  const std::vector<std::vector<std::string>> commands = {
      {"bucket"},
      {"bucket", "make", "x"},
      {"bucket", "create"},
      {"bucket", "list", "x"},
      {"bucket", "set", "default"},
      {"bucket", "set", "default", "--conflict", "lww"},
      {"bucket", "create", "x", "--conflict", "crdt"},
      {"bucket", "create", "x", "--ttl", "soon"},
      {"bucket", "create", "x", "--write-quorum", "-1"},
      {"bucket", "drop", "default", "--mode", "strict", "--yes"},
  };
  for (const auto& command : commands) EXPECT_EQ(Run(command).code, ExitCode::kUsage) << command.back();
  EXPECT_THAT(Run({"bucket", "set", "default", "--conflict", "lww"}).err, HasSubstr("never changes"));
  CliResult relaxed = Run({"bucket", "create", "x", "--durability", "relaxed"});
  EXPECT_EQ(relaxed.code, ExitCode::kUsage);
  EXPECT_THAT(relaxed.err, HasSubstr("give fsync"));
  CliResult drop = Run({"bucket", "drop", "default"});
  EXPECT_EQ(drop.code, ExitCode::kUsage);
  EXPECT_THAT(drop.err, HasSubstr("--yes"));
  EXPECT_EQ(state_.version, StateVersion(1)) << "nothing was asked of the cluster";
}

TEST_F(BucketCommandTest, NamesTheNodesThatHaveNotHeardOfItYet) {
  behind_ = 2;
  CliResult created = Run({"bucket", "create", "cache"});
  EXPECT_EQ(created.code, ExitCode::kOk);
  EXPECT_THAT(created.err, HasSubstr("not heard of it yet: n3"));
  json document = json::parse(Run({"bucket", "create", "more", "-o", "json"}).out);
  EXPECT_EQ(document["state_version"], 3);
  EXPECT_EQ(document["members_behind"], json::array({"n3"}));
}

}  // namespace
}  // namespace henge::cli
