#include "client/src/endpoints.h"

#include <gmock/gmock.h>

namespace henge::sdk {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(EndpointsTest, TakesOneAndSeveralAndEachOnce) {
  EXPECT_THAT(*ParseEndpoints("localhost:7400"), ElementsAre("localhost:7400"));
  EXPECT_THAT(*ParseEndpoints(" a:1 ,b:2,, a:1"), ElementsAre("a:1", "b:2"));
  EXPECT_THAT(*ParseEndpoints("[::1]:7400"), ElementsAre("[::1]:7400"));
}

TEST(EndpointsTest, NamesTheOneThatIsWrong) {
  for (const char* wrong :
       {"host", "host:", ":7400", "host:0", "host:65536", "host:x", "http://host:7400", "::1:7400", "a b:7400"}) {
    auto parsed = ParseEndpoints(std::string("good:1,") + wrong);
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument) << wrong;
    EXPECT_THAT(std::string(parsed.status().message()), HasSubstr(wrong));
  }
}

TEST(EndpointsTest, NoneIsAnError) {
  EXPECT_FALSE(ParseEndpoints("").ok());
  EXPECT_FALSE(ParseEndpoints(" , ").ok());
}

}  // namespace
}  // namespace henge::sdk
