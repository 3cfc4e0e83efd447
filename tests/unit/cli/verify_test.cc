#include <nlohmann/json.hpp>

#include "tests/unit/cli/cli_fixture.h"

namespace henge::cli {
namespace {

using testing::HasSubstr;

class VerifyTest : public CliTest {
 protected:
  static std::string Line(const std::string& key, const std::string& value) {
    return absl::StrCat(R"({"key":")", key, R"(","value":")", value, "\"}\n");
  }
};

TEST_F(VerifyTest, WhatWasImportedIsEqual) {
  std::string lines;
  for (int i = 0; i < 2000; ++i) lines += Line(absl::StrCat("k", i), absl::StrCat("v", i));
  ASSERT_EQ(Run({"import"}, lines).code, ExitCode::kOk);
  CliResult result = Run({"verify", "-o", "json"}, lines);
  EXPECT_EQ(result.code, ExitCode::kOk) << result.err;
  auto figures = nlohmann::json::parse(result.out);
  EXPECT_EQ(figures["equal"], 2000);
  EXPECT_EQ(figures["missing"], 0);
  EXPECT_THAT(result.err, HasSubstr("2000 equal"));
}

TEST_F(VerifyTest, WhatDiffersOrIsMissingIsNamedByItsLine) {
  store_.Set("same", {"1"});
  store_.Set("other", {"1"});
  store_.Set("more", {"1", "2"});
  CliResult result =
      Run({"verify", "-o", "json"}, Line("same", "1") + Line("other", "2") + Line("gone", "1") + Line("more", "1"));
  EXPECT_EQ(result.code, ExitCode::kError);
  auto figures = nlohmann::json::parse(result.out);
  EXPECT_EQ(figures["equal"], 1);
  EXPECT_EQ(figures["different"], 2);
  EXPECT_EQ(figures["missing"], 1);
  EXPECT_THAT(result.err, HasSubstr("line 2: "));
  EXPECT_THAT(result.err, HasSubstr("line 3: the key isn't there"));
  EXPECT_THAT(result.err, HasSubstr("line 4: the key holds 2 versions"));
}

TEST_F(VerifyTest, SeveralVersionsAreEqualInAnyOrder) {
  store_.Set("k", {"a", "b"});
  EXPECT_EQ(Run({"verify"}, R"({"key":"k","siblings":[{"value":"b"},{"value":"a"}]})"
                            "\n")
                .code,
            ExitCode::kOk);
}

TEST_F(VerifyTest, ALineThatIsNoRecordIsNotPassedOver) {
  store_.Set("k", {"v"});
  CliResult result = Run({"verify"}, Line("k", "v") + "rubbish\n");
  EXPECT_EQ(result.code, ExitCode::kError);
  EXPECT_THAT(result.err, HasSubstr("line 2: it is not JSON"));
}

TEST_F(VerifyTest, ReportsHowManyReplicasAnsweredAndHowManyWereBehind) {
  cluster_.OnRequest([](const v1::Request& request) -> std::optional<v1::Reply> {
    v1::Reply reply = OkValue("v");
    reply.mutable_facts()->set_answered(request.key() == "k1" ? 2 : 3);
    reply.mutable_facts()->set_stale(1);
    return reply;
  });
  CliResult result = Run({"verify", "-c", "all", "-o", "json"}, Line("k1", "v") + Line("k2", "v"));
  auto figures = nlohmann::json::parse(result.out);
  EXPECT_EQ(figures["replicas_answered_min"], 2);
  EXPECT_EQ(figures["replicas_behind"], 2);
}

TEST_F(VerifyTest, DirectAsksOnlyTheNodeThatWasNamed) {
  store_.Set(cluster_.KeyOwnedBy(0), {"v"});
  CliResult result = Run({"-e", cluster_.node(2).address(), "--direct", "verify"}, Line(cluster_.KeyOwnedBy(0), "v"));
  EXPECT_EQ(result.code, ExitCode::kOk) << result.err;
  EXPECT_EQ(cluster_.node(2).requests().size(), 1u);
}

}  // namespace
}  // namespace henge::cli
