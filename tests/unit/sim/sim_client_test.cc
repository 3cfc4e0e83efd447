#include "tests/sim/sim_client.h"

namespace henge::sim {
namespace {

using std::chrono::seconds;

class SimClientTest : public ::testing::Test {
 protected:
  SimClientTest() { network_.StartHost(1); }
  void Call(std::string key) {
    client_.Call(MemberId(1), ClientRequest{.op = ClientOp::kGet, .key = std::move(key)}, seconds(2),
                 [this](absl::StatusOr<ClientReply> reply) { replies_.push_back(std::move(reply)); });
  }

  SimScheduler scheduler_{1};
  SimNetwork network_{scheduler_, SimRandom(2), {}};
  std::vector<std::pair<ClientRequest, SimClientServer::ReplyFn>> asked_;
  std::optional<SimClientServer> server_{std::in_place, network_, MemberId(1),
                                         [this](ClientRequest request, SimClientServer::ReplyFn reply) {
                                           asked_.emplace_back(std::move(request), std::move(reply));
                                         }};
  SimClient client_{scheduler_, network_, ClientHost(0)};
  std::vector<absl::StatusOr<ClientReply>> replies_;
};

TEST_F(SimClientTest, ARequestAndItsReplyCross) {
  Call("k");
  EXPECT_TRUE(asked_.empty());
  scheduler_.RunFor(seconds(1));
  ASSERT_EQ(asked_.size(), 1u);
  EXPECT_EQ(asked_[0].first.key, "k");
  asked_[0].second(ClientReply{.values = {"v"}});
  scheduler_.RunFor(std::chrono::milliseconds(100));
  ASSERT_EQ(replies_.size(), 1u);
  ASSERT_TRUE(replies_[0].ok()) << replies_[0].status();
  EXPECT_THAT(replies_[0]->values, ::testing::ElementsAre("v"));
  EXPECT_EQ(scheduler_.pending(), 0u) << "the call's deadline is still armed";
  scheduler_.RunFor(seconds(5));
  EXPECT_EQ(replies_.size(), 1u);
}

TEST_F(SimClientTest, AMalformedRequestIsAnsweredByTheServerItself) {
  Call("");
  scheduler_.RunFor(seconds(1));
  EXPECT_TRUE(asked_.empty());
  ASSERT_EQ(replies_.size(), 1u);
  ASSERT_TRUE(replies_[0].ok());
  EXPECT_EQ(replies_[0]->status.code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(SimClientTest, NoReplyInTimeIsDeadlineExceededAndALateOneIsDropped) {
  Call("k");
  scheduler_.RunFor(seconds(3));
  ASSERT_EQ(replies_.size(), 1u);
  EXPECT_EQ(replies_[0].status().code(), absl::StatusCode::kDeadlineExceeded);
  asked_.at(0).second(ClientReply{});
  scheduler_.RunFor(seconds(3));
  EXPECT_EQ(replies_.size(), 1u);
}

TEST_F(SimClientTest, ANodeThatStopsOrIsDownIsUnavailable) {
  Call("k");
  scheduler_.RunFor(std::chrono::milliseconds(20));
  network_.StopHost(1, SimNetwork::StopKind::kProcess);
  Call("l");
  scheduler_.RunFor(seconds(1));
  ASSERT_EQ(replies_.size(), 2u);
  for (const auto& reply : replies_) EXPECT_EQ(reply.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(client_.in_flight(), 0u);
}

TEST_F(SimClientTest, AGarbageFrameCostsTheConnectionOnly) {
  network_.Send(SimAddress{client_.host(), 0}, SimAddress{1, kClientPort}, "\xff\xff\xff no frame");
  scheduler_.RunFor(seconds(1));
  EXPECT_EQ(server_->bad_frames(), 1u);
  Call("k");
  scheduler_.RunFor(seconds(1));
  EXPECT_EQ(asked_.size(), 1u);
}

}  // namespace
}  // namespace henge::sim
