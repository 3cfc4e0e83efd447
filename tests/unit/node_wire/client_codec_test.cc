#include "node/wire/client_codec.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/node_wire/wire_equality.h"

namespace henge {
namespace {

using ::testing::HasSubstr;

ClientRequest FullRequest() {
  ClientRequest request;
  request.op = ClientOp::kPut;
  request.bucket = "carts";
  request.key = std::string("k\0ey", 4);
  request.value = std::string(300, '\xff');
  request.context = std::string("ctx\x01", 4);
  request.op_id = {11, 22};
  request.retry = true;
  request.expires_at_ms = 1'700'000'000'000;
  request.consistency = {2, true, QuorumMode::kStrict};
  request.budget = std::chrono::milliseconds(1500);
  return request;
}

ClientReply FullReply() {
  ClientReply reply;
  reply.status = absl::UnavailableError("2 of 3 did not answer");
  reply.outcome = Outcome::kUnknown;
  reply.values = {"a", "", std::string("\0\x80", 2)};
  reply.context = "sealed";
  reply.siblings = 3;
  reply.retry_after_ms = 40;
  reply.facts = {StateVersion(7), 2, 3, 1, 2, 1, 3, true, MemberId(4)};
  return reply;
}

TEST(ClientCodec, RequestSurvivesTheWire) {
  auto back = DecodeClientRequest(EncodeClientRequest(FullRequest()));
  ASSERT_TRUE(back.ok()) << back.status();
  ExpectSame(*back, FullRequest());
}

TEST(ClientCodec, DefaultsSurviveTheWire) {
  ClientRequest request;
  request.key = "k";
  auto back = DecodeClientRequest(EncodeClientRequest(request));
  ASSERT_TRUE(back.ok()) << back.status();
  ExpectSame(*back, request);
}

TEST(ClientCodec, ReplySurvivesTheWire) {
  auto back = DecodeClientReply(EncodeClientReply(FullReply()));
  ASSERT_TRUE(back.ok()) << back.status();
  ExpectSame(*back, FullReply());
}

TEST(ClientCodec, AnExplicitQuorumOfZeroIsNotTheDefault) {
  ClientRequest request = FullRequest();
  request.consistency = {0, true, QuorumMode::kSloppy};
  auto back = DecodeClientRequest(EncodeClientRequest(request));
  ASSERT_TRUE(back.ok());
  EXPECT_TRUE(back->consistency.has_quorum);
}

TEST(ClientCodec, ErrorTextsThatAreNoUtf8AreEscaped) {
  ClientReply reply;
  reply.status = absl::InvalidArgumentError("bucket \xff\xfe");
  auto back = DecodeClientReply(EncodeClientReply(reply));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->status.message(), "bucket \\xff\\xfe");
}

TEST(ClientCodec, ABudgetIsCutAndNeverNegative) {
  v1::Request message;
  ClientRequestToProto(FullRequest(), &message);
  message.set_budget_us(~uint64_t{0});
  auto back = ClientRequestFromProto(&message);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->budget, kWireBudgetMax);

  ClientRequest late = FullRequest();
  late.budget = -std::chrono::seconds(1);
  EXPECT_EQ(DecodeClientRequest(EncodeClientRequest(late))->budget, Duration::zero());
}

struct BadCase {
  const char* name;
  void (*spoil)(v1::Request*);
  const char* text;
};

class BadClientRequest : public ::testing::TestWithParam<BadCase> {};

TEST_P(BadClientRequest, IsRefusedWithTheReason) {
  v1::Request message;
  ClientRequestToProto(FullRequest(), &message);
  GetParam().spoil(&message);
  auto decoded = ClientRequestFromProto(&message);
  EXPECT_EQ(decoded.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(decoded.status().message(), HasSubstr(GetParam().text));
}

INSTANTIATE_TEST_SUITE_P(
    ClientCodec, BadClientRequest,
    ::testing::Values(
        BadCase{"NoKey", [](v1::Request* r) { r->clear_key(); }, "the key is empty"},
        BadCase{"LongKey", [](v1::Request* r) { r->set_key(std::string(kKeyBytesMax + 1, 'k')); }, "limit of 4096"},
        BadCase{"LongValue", [](v1::Request* r) { r->set_value(std::string(kValueBytesMax + 1, 'v')); }, "a value of"},
        BadCase{"LongBucket", [](v1::Request* r) { r->set_bucket(std::string(65, 'b')); }, "a bucket name of 65"},
        BadCase{"LongContext", [](v1::Request* r) { r->set_context(std::string(8193, 'c')); }, "a context of 8193"},
        BadCase{"NoOp", [](v1::Request* r) { r->clear_op(); }, "unknown operation 0"},
        BadCase{"UnknownOp", [](v1::Request* r) { r->set_op(static_cast<v1::Op>(9)); }, "unknown operation 9"},
        BadCase{"GetWithValue", [](v1::Request* r) { r->set_op(v1::OP_GET); }, "only a put has a value"},
        BadCase{"UnknownMode", [](v1::Request* r) { r->set_mode(static_cast<v1::QuorumMode>(5)); }, "quorum mode 5"},
        BadCase{"NegativeExpiry", [](v1::Request* r) { r->set_expires_at_ms(-1); }, "expires_at_ms is negative"}),
    [](const auto& info) { return info.param.name; });

// Random bytes, and good messages with bytes changed or cut: never a crash, and what is accepted can be sent on.
TEST(ClientCodec, GarbageIsRefusedOrHarmless) {
  std::mt19937_64 rng(20);
  const std::string good_request = EncodeClientRequest(FullRequest());
  const std::string good_reply = EncodeClientReply(FullReply());
  int accepted = 0;
  for (int i = 0; i < 40'000; ++i) {
    std::string request = Spoil(good_request, rng);
    auto decoded = DecodeClientRequest(request);
    if (decoded.ok()) {
      ++accepted;
      EXPECT_TRUE(DecodeClientRequest(EncodeClientRequest(*decoded)).ok());
    } else {
      EXPECT_EQ(decoded.status().code(), absl::StatusCode::kInvalidArgument);
    }
    auto reply = DecodeClientReply(Spoil(good_reply, rng));
    if (!reply.ok()) {
      EXPECT_EQ(reply.status().code(), absl::StatusCode::kInternal);
    }
  }
  EXPECT_GT(accepted, 100);
}

}  // namespace
}  // namespace henge
