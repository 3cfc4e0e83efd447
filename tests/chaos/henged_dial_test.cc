// What the SDK does about a connection that fails as it is made.
#include <gtest/gtest.h>

#include "henge/admin.h"
#include "henge/client.h"
#include "tests/chaos/henged_cluster.h"
#include "tests/free_address.h"

namespace henge::chaos {
namespace {

using std::chrono::seconds;

class HengedDialTest : public ::testing::Test {
 protected:
  HengedDialTest() {
    EXPECT_TRUE(cluster_.StartAll());
    door_.emplace(address_, cluster_.client_address(0));
  }

  // Connects through the door alone.
  absl::StatusOr<Client> Connect() const {
    ClientOptions options;
    options.endpoints_only = true;
    return Client::Connect(address_, options);
  }

  HengedCluster cluster_{1};
  const std::string address_ = FreeAddress();
  std::optional<TcpProxy> door_;
};

TEST_F(HengedDialTest, OneConnectionThatFailsIsMadeAgain) {
  door_->ResetNext(1);
  auto client = Connect();
  ASSERT_TRUE(client.ok()) << client.status();
  const WriteResult put = client->Put("k", "v");
  EXPECT_TRUE(put.ok()) << put.status;
  door_->ResetNext(1);
  const auto made = CreateBucket(address_, {.name = "cache"}, seconds(5));
  EXPECT_TRUE(made.ok()) << made.status();
}

TEST_F(HengedDialTest, OneThatKeepsFailingIsReported) {
  door_->ResetNext(1000);
  EXPECT_EQ(Connect().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(CreateBucket(address_, {.name = "cache"}, seconds(5)).status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace henge::chaos
