#include <gmock/gmock.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "henge/client.h"
#include "tests/unit/client/fake_node.h"

namespace henge {
namespace {

using testing::ElementsAre;

// One key as a node keeps it: a put with the context of the newest read replaces all, any other adds a version.
class Register {
 public:
  v1::Reply operator()(const v1::Request& request) {
    std::lock_guard lock(mutex_);
    if (request.op() == v1::OP_GET) {
      v1::Reply reply;
      for (const auto& value : values_) reply.add_values(value);
      reply.set_context(absl::StrCat(writes_));
      return reply;
    }
    if (request.context() == absl::StrCat(writes_)) values_.clear();
    if (request.op() == v1::OP_PUT) values_.push_back(request.value());
    ++writes_;
    v1::Reply reply = Ok();
    reply.set_siblings(static_cast<uint32_t>(values_.size()));
    return reply;
  }

  void Set(std::vector<std::string> values) {
    std::lock_guard lock(mutex_);
    values_ = std::move(values);
    ++writes_;
  }
  std::vector<std::string> values() {
    std::lock_guard lock(mutex_);
    return values_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> values_;
  int writes_ = 0;
};

class ClientUpdateTest : public testing::Test {
 protected:
  ClientUpdateTest() : cluster_(1, 1), client_(*Client::Connect(cluster_.endpoints())) {
    cluster_.OnRequest([this](const v1::Request& request) { return register_(request); });
  }

  FakeCluster cluster_;
  Register register_;
  Client client_;
};

Change AppendX(const ReadResult& now) { return Change::Write((now.found() ? now.values[0] : "") + "x"); }

TEST_F(ClientUpdateTest, WritesWhatTheFunctionMakesOfWhatIsThere) {
  register_.Set({"a"});
  EXPECT_TRUE(client_.Update("k", AppendX).ok());
  EXPECT_THAT(register_.values(), ElementsAre("ax"));
}

TEST_F(ClientUpdateTest, StartsFromNothing) {
  EXPECT_TRUE(client_.Update("k", AppendX).ok());
  EXPECT_THAT(register_.values(), ElementsAre("x"));
}

TEST_F(ClientUpdateTest, RunsAgainWhenAnotherWriterCameBetweenAndLeavesOneVersion) {
  register_.Set({"a"});
  int runs = 0;
  WriteResult result = client_.Update(
      "k",
      [&](const ReadResult& now) {
        if (++runs == 1) register_.Set({"b"});
        return AppendX(now);
      },
      ResolveByLongest());
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(runs, 2);
  EXPECT_THAT(register_.values(), ElementsAre("axx"));
}

TEST_F(ClientUpdateTest, ConcurrentVersionsAreResolvedFirst) {
  register_.Set({"a", "ccc", "b"});
  std::vector<std::string> seen;
  EXPECT_TRUE(client_
                  .Update(
                      "k",
                      [&](const ReadResult& now) {
                        seen = now.values;
                        return AppendX(now);
                      },
                      ResolveByLongest())
                  .ok());
  EXPECT_THAT(seen, ElementsAre("ccc"));
  EXPECT_THAT(register_.values(), ElementsAre("cccx"));
}

TEST_F(ClientUpdateTest, WithoutAResolverTheFunctionSeesThemAll) {
  register_.Set({"a", "b"});
  EXPECT_TRUE(
      client_.Update("k", [](const ReadResult& now) { return Change::Write(now.values[0] + now.values[1]); }).ok());
  EXPECT_THAT(register_.values(), ElementsAre("ab"));
}

TEST_F(ClientUpdateTest, AResolverThatFailsEndsItWithNothingWritten) {
  register_.Set({"a", "b"});
  WriteResult result = client_.Update("k", AppendX, ResolveByFailing());
  EXPECT_EQ(result.status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(result.outcome, Outcome::kNotApplied);
  EXPECT_THAT(register_.values(), ElementsAre("a", "b"));
}

TEST_F(ClientUpdateTest, NothingToDoWritesNothing) {
  register_.Set({"a"});
  WriteResult result = client_.Update("k", [](const ReadResult&) { return Change::Nothing(); });
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(result.outcome, Outcome::kNotApplied);
  EXPECT_THAT(register_.values(), ElementsAre("a"));
}

TEST_F(ClientUpdateTest, MayDelete) {
  register_.Set({"a", "b"});
  EXPECT_TRUE(client_.Update("k", [](const ReadResult&) { return Change::Delete(); }).ok());
  EXPECT_TRUE(register_.values().empty());
}

TEST_F(ClientUpdateTest, GivesUpAgainstAWriterThatAlwaysComesBetweenAndSaysSo) {
  WriteResult result = client_.Update("k", [&](const ReadResult& now) {
    register_.Set({"other"});
    return AppendX(now);
  });
  EXPECT_EQ(result.status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(result.outcome, Outcome::kApplied);
}

TEST_F(ClientUpdateTest, ItsTimeoutCoversAllRounds) {
  CallOptions options;
  options.timeout = Millis(60);
  auto begun = std::chrono::steady_clock::now();
  WriteResult result = client_.Update(
      "k",
      [&](const ReadResult& now) {
        register_.Set({"other"});
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        return AppendX(now);
      },
      nullptr, options);
  EXPECT_EQ(result.status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(5));
}

}  // namespace
}  // namespace henge
