#include <nlohmann/json.hpp>

#include "tests/unit/cli/cli_fixture.h"

namespace henge::cli {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

using KeyCommandsTest = CliTest;

TEST_F(KeyCommandsTest, PutThenGetGivesTheSameBytes) {
  std::string bytes("\0\xff line\n", 8);
  EXPECT_EQ(Run({"put", "k"}, bytes).code, ExitCode::kOk);
  CliResult got = Run({"get", "k"});
  EXPECT_EQ(got.code, ExitCode::kOk);
  EXPECT_EQ(got.out, bytes);
  EXPECT_EQ(got.err, "");
}

TEST_F(KeyCommandsTest, TheValueComesFromTheArgumentOrFromInputForADash) {
  EXPECT_EQ(Run({"put", "a", "argument"}, "input").code, ExitCode::kOk);
  EXPECT_EQ(Run({"put", "b", "-"}, "input").code, ExitCode::kOk);
  EXPECT_EQ(Run({"put", "c", ""}, "input").code, ExitCode::kOk);
  EXPECT_THAT(store_.Values("a"), ElementsAre("argument"));
  EXPECT_THAT(store_.Values("b"), ElementsAre("input"));
  EXPECT_THAT(store_.Values("c"), ElementsAre(""));
}

TEST_F(KeyCommandsTest, APutReplacesWhatIsThereAlsoSiblings) {
  store_.Set("k", {"old", "other"});
  EXPECT_EQ(Run({"put", "k", "new"}).code, ExitCode::kOk);
  EXPECT_THAT(store_.Values("k"), ElementsAre("new"));
}

TEST_F(KeyCommandsTest, ABlindPutStandsBesideAndSaysSo) {
  store_.Set("k", {"old"});
  CliResult put = Run({"put", "k", "new", "--blind"});
  EXPECT_EQ(put.code, ExitCode::kOk);
  EXPECT_THAT(put.err, HasSubstr("2 concurrent versions"));
  EXPECT_THAT(store_.Values("k"), UnorderedElementsAre("old", "new"));
}

TEST_F(KeyCommandsTest, AContextFromAGetReplacesWhatItCovers) {
  store_.Set("k", {"old"});
  std::string context = json::parse(Run({"get", "k", "-o", "json"}).out)["context"];
  EXPECT_EQ(Run({"put", "k", "new", "--context", context}).code, ExitCode::kOk);
  EXPECT_THAT(store_.Values("k"), ElementsAre("new"));
  EXPECT_EQ(Run({"put", "k", "late", "--context", context}).code, ExitCode::kOk);
  EXPECT_THAT(store_.Values("k"), UnorderedElementsAre("new", "late"));
}

TEST_F(KeyCommandsTest, AContextThatIsNoneIsAUsageError) {
  EXPECT_EQ(Run({"put", "k", "v", "--context", "%%%"}).code, ExitCode::kUsage);
  EXPECT_EQ(Run({"put", "k", "v", "--context", "YQ==", "--blind"}).code, ExitCode::kUsage);
  EXPECT_EQ(cluster_.request_count(), 0u);
}

TEST_F(KeyCommandsTest, AnAbsentKeyHasItsOwnExitCode) {
  CliResult got = Run({"get", "k"});
  EXPECT_EQ(got.code, ExitCode::kNotFound);
  EXPECT_EQ(got.out, "");
  EXPECT_THAT(got.err, HasSubstr("'k' is not in bucket 'default'"));
  CliResult as_json = Run({"get", "k", "-o", "json"});
  EXPECT_EQ(as_json.code, ExitCode::kNotFound);
  EXPECT_EQ(json::parse(as_json.out)["found"], false);
}

TEST_F(KeyCommandsTest, RawOutputOfAConflictIsRefusedWithTheVersionsShown) {
  store_.Set("k", {"one", "two"});
  for (const auto& arguments : {std::vector<std::string>{"get", "k"}, {"get", "k", "-o", "raw"}}) {
    CliResult got = Run(arguments);
    EXPECT_EQ(got.code, ExitCode::kConflict);
    EXPECT_EQ(got.out, "");
    EXPECT_THAT(got.err, HasSubstr("one"));
    EXPECT_THAT(got.err, HasSubstr("two"));
  }
}

TEST_F(KeyCommandsTest, JsonHasAllVersionsTheContextAndTheFacts) {
  store_.Set("k", {"text", "\xff"});
  json got = json::parse(Run({"get", "k", "-o", "json"}).out);
  EXPECT_EQ(got["key"], "k");
  EXPECT_EQ(got["bucket"], "default");
  EXPECT_EQ(got["found"], true);
  EXPECT_EQ(got["conflict"], true);
  EXPECT_EQ(got["values"], json::parse(R"([{"value":"text"},{"value_b64":"/w=="}])"));
  EXPECT_EQ(got["facts"]["needed"], 2);
  EXPECT_EQ(got["facts"]["answered"], 2);
  json put = json::parse(Run({"put", "k", "v", "-o", "json"}).out);
  EXPECT_EQ(put["ok"], true);
  EXPECT_EQ(put["outcome"], "applied");
  EXPECT_EQ(put["facts"]["durable"], 3);
}

TEST_F(KeyCommandsTest, ATerminalGetsLinesForPeople) {
  on_terminal_ = true;
  store_.Set("text", {"hello"});
  store_.Set("bytes", {"\x1b[2J\xff"});
  store_.Set("two", {"a", "b"});
  EXPECT_EQ(Run({"get", "text"}).out, "hello\n");
  EXPECT_EQ(Run({"get", "bytes"}).out, "\\x1b[2J\\xff\n") << "a value must not command the terminal";
  CliResult two = Run({"get", "two"});
  EXPECT_EQ(two.code, ExitCode::kOk);
  EXPECT_THAT(two.out, HasSubstr("version 2 of 2:\nb\n"));
}

TEST_F(KeyCommandsTest, DeleteRemovesAndIsFineWithNothingThere) {
  store_.Set("k", {"v"});
  EXPECT_EQ(Run({"delete", "k"}).code, ExitCode::kOk);
  EXPECT_THAT(store_.Values("k"), ElementsAre());
  EXPECT_EQ(Run({"delete", "k"}).code, ExitCode::kOk);
}

TEST_F(KeyCommandsTest, AQuorumThatIsNotMetHasItsOwnExitCodeAndSaysWhatIsKnown) {
  store_.Refuse("k", Failure(14, "1 of 2 replicas answered", v1::OUTCOME_UNKNOWN));
  CliResult put = Run({"put", "k", "v"});
  EXPECT_EQ(put.code, ExitCode::kUnavailable);
  EXPECT_THAT(put.err, HasSubstr("UNAVAILABLE: 1 of 2 replicas answered"));
  EXPECT_THAT(put.err, HasSubstr("may still take effect"));
  json as_json = json::parse(Run({"put", "k", "v", "-o", "json"}).out);
  EXPECT_EQ(as_json["ok"], false);
  EXPECT_EQ(as_json["outcome"], "unknown");
  EXPECT_EQ(as_json["code"], "UNAVAILABLE");
}

TEST_F(KeyCommandsTest, WhatIsWrongWithTheRequestIsAPlainError) {
  store_.Refuse("k", Failure(3, "no such bucket", v1::OUTCOME_NOT_APPLIED));
  EXPECT_EQ(Run({"put", "k", "v"}).code, ExitCode::kError);
  EXPECT_EQ(Run({"put", "", "v"}).code, ExitCode::kError);
}

TEST_F(KeyCommandsTest, OptionsReachTheWire) {
  Run({"get", "k", "--consistency", "all,strict", "-b", "carts", "-t", "2s"});
  v1::Request request = cluster_.Owner("k").requests().at(0);
  EXPECT_EQ(request.quorum(), 3u);
  EXPECT_EQ(request.mode(), v1::QUORUM_MODE_STRICT);
  EXPECT_EQ(request.bucket(), "carts");
  EXPECT_LE(request.budget_us(), 2'000'000u);
  Run({"put", "ttl", "v", "--blind", "--ttl", "1h"});
  int64_t now_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  EXPECT_NEAR(static_cast<double>(cluster_.Owner("ttl").requests().back().expires_at_ms()),
              static_cast<double>(now_ms + 3600000), 60000);
}

TEST_F(KeyCommandsTest, NoNodeIsUnavailableAndSaysWhatToDo) {
  std::string gone;
  {
    FakeNode node;
    gone = node.address();
  }
  CliResult got = Run({"get", "k", "-e", gone});
  EXPECT_EQ(got.code, ExitCode::kUnavailable);
  EXPECT_THAT(got.err, HasSubstr(gone));
  EXPECT_THAT(got.err, HasSubstr("Is henged running"));
}

}  // namespace
}  // namespace henge::cli
