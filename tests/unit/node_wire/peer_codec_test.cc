#include "node/wire/peer_codec.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/model/slot.h"
#include "node/wire/client_codec.h"
#include "tests/unit/node_wire/wire_equality.h"

namespace henge {
namespace {

using ::testing::HasSubstr;

constexpr Duration kBudget = std::chrono::milliseconds(250);

RecordKey KeyOf(std::string key) { return {PartitionOf(key), BucketId(3), std::move(key)}; }

MergeRequest FullMerge() {
  return {KeyOf("user:1"), LayoutEpoch(9), std::string("obj\0\xff", 5), Actor{StoreId(1), Lifetime(2), 1ull << 40},
          MergeCause::kReadRepair};
}
ReadRequest FullRead() { return {KeyOf("user:2"), LayoutEpoch(8), 0xfeedull}; }
ForwardRequest FullForward() {
  ClientRequest request;
  request.op = ClientOp::kDelete;
  request.key = "{tag}x";
  request.op_id = {5, 6};
  request.budget = kBudget;
  return {request};
}
HintRequest FullHint() {
  return {KeyOf("user:3"), LayoutEpoch(9), MemberId(4), "object", Actor{StoreId(1), Lifetime(2), 3}, 2};
}

TreeRequest FullTree() {
  TreeRequest request;
  request.level = TreeLevel::kRecords;
  request.parameters = {
      .hash_version = 2, .leaves = 512, .branches = 8, .cluster = ClusterId(7), .epoch = LayoutEpoch(9)};
  request.stride = 4;
  request.first = 3;
  request.known = 0xfeedull;
  request.nodes = {16383u * 256 + 255};
  request.after_bucket = BucketId(3);
  request.after_key = std::string("k\0", 2);
  return request;
}

ScanRequest FullScan() { return {PartitionId(16383), LayoutEpoch(7), std::string("cur\0", 4), 4096}; }

template <class T>
T RoundTrip(const T& request) {
  auto back = DecodePeerRequest(EncodePeerRequest(request, kBudget));
  EXPECT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->budget, kBudget);
  return std::get<T>(back->request);
}

template <class T>
T ReplyRoundTrip(const T& reply) {
  auto back = DecodePeerReply(EncodePeerReply(PeerReply(reply)));
  EXPECT_TRUE(back.ok()) << back.status();
  return std::get<T>(*back);
}

TEST(PeerCodec, MergeSurvivesTheWire) {
  MergeRequest back = RoundTrip(FullMerge());
  EXPECT_EQ(back.key, FullMerge().key);
  EXPECT_EQ(back.epoch, LayoutEpoch(9));
  EXPECT_EQ(back.object, FullMerge().object);
  EXPECT_EQ(back.minter, FullMerge().minter);
  EXPECT_EQ(back.cause, MergeCause::kReadRepair);

  MergeRequest repair = FullMerge();
  repair.minter.reset();
  EXPECT_FALSE(RoundTrip(repair).minter.has_value());
  // A cause of a later version is none that this one knows.
  repair.cause = static_cast<MergeCause>(200);
  EXPECT_EQ(RoundTrip(repair).cause, MergeCause::kWrite);
}

TEST(PeerCodec, ReadSurvivesTheWire) {
  ReadRequest back = RoundTrip(FullRead());
  EXPECT_EQ(back.key, FullRead().key);
  EXPECT_EQ(back.epoch, LayoutEpoch(8));
  EXPECT_EQ(back.known_digest, 0xfeedull);
  EXPECT_FALSE(back.from_hints);
  ReadRequest hints = FullRead();
  hints.from_hints = true;
  EXPECT_TRUE(RoundTrip(hints).from_hints);

  ReadRequest zero = FullRead();
  zero.known_digest = 0;
  EXPECT_EQ(RoundTrip(zero).known_digest, 0u);
  zero.known_digest.reset();
  EXPECT_FALSE(RoundTrip(zero).known_digest.has_value());
}

TEST(PeerCodec, ForwardSurvivesTheWire) {
  ExpectSame(RoundTrip(FullForward()).request, FullForward().request);
  EXPECT_FALSE(RoundTrip(FullForward()).as_fallback);
  ForwardRequest fallback = FullForward();
  fallback.as_fallback = true;
  EXPECT_TRUE(RoundTrip(fallback).as_fallback);
}

TEST(PeerCodec, ScanSurvivesTheWire) {
  ScanRequest back = RoundTrip(FullScan());
  EXPECT_EQ(back.partition, FullScan().partition);
  EXPECT_EQ(back.epoch, FullScan().epoch);
  EXPECT_EQ(back.cursor, FullScan().cursor);
  EXPECT_EQ(back.bytes_max, FullScan().bytes_max);
}

TEST(PeerCodec, ControlSurvivesTheWire) {
  const ControlRequest back = RoundTrip(ControlRequest{ControlKind::kState, "body"});
  EXPECT_EQ(back.kind, ControlKind::kState);
  EXPECT_EQ(back.body, "body");
  EXPECT_EQ(ReplyRoundTrip(ControlReply{"answer"}).body, "answer");
}

TEST(PeerCodec, HintSurvivesTheWire) {
  HintRequest back = RoundTrip(FullHint());
  EXPECT_EQ(back.key, FullHint().key);
  EXPECT_EQ(back.epoch, FullHint().epoch);
  EXPECT_EQ(back.target, FullHint().target);
  EXPECT_EQ(back.object, FullHint().object);
  EXPECT_EQ(back.minter, FullHint().minter);
  EXPECT_EQ(back.needed, FullHint().needed);
  HintRequest no_minter = FullHint();
  no_minter.minter.reset();
  EXPECT_FALSE(RoundTrip(no_minter).minter.has_value());
  EXPECT_EQ(ReplyRoundTrip(HintReply{77}).minter_counter, 77u);
}

TEST(PeerCodec, RepliesSurviveTheWire) {
  EXPECT_EQ(ReplyRoundTrip(MergeReply{1ull << 50}).minter_counter, 1ull << 50);

  ReadReply read{true, false, "bytes", Mark{Lifetime(3), 4, 5}, 99};
  ReadReply read_back = ReplyRoundTrip(read);
  EXPECT_TRUE(read_back.found);
  EXPECT_FALSE(read_back.same);
  EXPECT_EQ(read_back.object, "bytes");
  EXPECT_EQ(read_back.mark, read.mark);
  EXPECT_EQ(read_back.written_at_ms, 99u);
  EXPECT_FALSE(ReplyRoundTrip(ReadReply{}).mark.has_value());

  ForwardReply forward;
  forward.reply.status = absl::ResourceExhaustedError("full");
  forward.reply.outcome = Outcome::kNotApplied;
  forward.reply.values = {"v"};
  ExpectSame(ReplyRoundTrip(forward).reply, forward.reply);

  ScanReply scan{{{KeyOf("a"), "obj-a"}, {KeyOf("b"), "obj-b"}}, "next", true};
  ScanReply scan_back = ReplyRoundTrip(scan);
  ASSERT_EQ(scan_back.items.size(), 2u);
  EXPECT_EQ(scan_back.items[1].key, scan.items[1].key);
  EXPECT_EQ(scan_back.items[1].object, "obj-b");
  EXPECT_EQ(scan_back.cursor, "next");
  EXPECT_TRUE(scan_back.done);
}

TEST(PeerCodec, StatusesSurviveTheWire) {
  auto back = DecodePeerReply(EncodePeerReply(absl::FailedPreconditionError("epoch 3, here 4")));
  EXPECT_EQ(back.status(), absl::FailedPreconditionError("epoch 3, here 4"));
}

TEST(PeerCodec, TreesSurviveTheWire) {
  const TreeRequest back = RoundTrip(FullTree());
  EXPECT_EQ(back.level, TreeLevel::kRecords);
  EXPECT_EQ(back.parameters, FullTree().parameters) << "judged by the callee, not by the codec (H27)";
  EXPECT_EQ(back.stride, 4u);
  EXPECT_EQ(back.first, 3u);
  EXPECT_EQ(back.known, 0xfeedull);
  EXPECT_EQ(back.nodes, FullTree().nodes);
  EXPECT_EQ(back.after_bucket, BucketId(3));
  EXPECT_EQ(back.after_key, FullTree().after_key);
  TreeReply reply;
  reply.hashes = {1, 0, ~uint64_t{0}};
  reply.records = {{BucketId(1), "a", 5}, {BucketId(2), std::string("\0b", 2), 6}};
  reply.done = true;
  const TreeReply answer = ReplyRoundTrip(reply);
  EXPECT_EQ(answer.hashes, reply.hashes);
  EXPECT_EQ(answer.records, reply.records);
  EXPECT_TRUE(answer.done);
  EXPECT_FALSE(answer.same);
}

TEST(PeerCodec, EveryRequestNamesItsPartition) {
  EXPECT_EQ(PartitionOfRequest(FullTree()), PartitionId(3)) << "of the shard that the caller compares";
  EXPECT_EQ(PartitionOfRequest(FullMerge()), PartitionOf("user:1"));
  EXPECT_EQ(PartitionOfRequest(FullRead()), PartitionOf("user:2"));
  EXPECT_EQ(PartitionOfRequest(FullForward()), PartitionOf("tag"));
  EXPECT_EQ(PartitionOfRequest(FullScan()), PartitionId(16383));
  EXPECT_EQ(PartitionOfRequest(ControlRequest{}), kControlPartition);
  EXPECT_EQ(PartitionOfRequest(FullHint()), PartitionOf("user:3"));
}

struct BadCall {
  const char* name;
  void (*make)(v1::PeerCall*);
  const char* text;
};

class BadPeerCall : public ::testing::TestWithParam<BadCall> {};

TEST_P(BadPeerCall, IsRefusedWithTheReason) {
  v1::PeerCall message;
  GetParam().make(&message);
  auto decoded = PeerRequestFromProto(&message);
  EXPECT_EQ(decoded.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(decoded.status().message(), HasSubstr(GetParam().text));
}

INSTANTIATE_TEST_SUITE_P(PeerCodec, BadPeerCall,
                         ::testing::Values(BadCall{"Nothing", [](v1::PeerCall*) {}, "of a kind"},
                                           BadCall{"OtherPartition",
                                                   [](v1::PeerCall* c) {
                                                     PeerRequestToProto(FullMerge(), kBudget, c);
                                                     c->mutable_merge()->mutable_key()->set_partition(1);
                                                   },
                                                   "partition 1 for a key of partition"},
                                           BadCall{"NoKey",
                                                   [](v1::PeerCall* c) {
                                                     PeerRequestToProto(FullRead(), kBudget, c);
                                                     c->mutable_read()->mutable_key()->clear_key();
                                                   },
                                                   "a key of 0 bytes"},
                                           BadCall{"LongObject",
                                                   [](v1::PeerCall* c) {
                                                     PeerRequestToProto(FullMerge(), kBudget, c);
                                                     c->mutable_merge()->mutable_object()->resize(10u << 20);
                                                   },
                                                   "an object of 10485760 bytes"},
                                           BadCall{"NoSuchPartition",
                                                   [](v1::PeerCall* c) {
                                                     PeerRequestToProto(FullScan(), kBudget, c);
                                                     c->mutable_scan()->set_partition(16384);
                                                   },
                                                   "no partition 16384"},
                                           BadCall{"LongCursor",
                                                   [](v1::PeerCall* c) {
                                                     PeerRequestToProto(FullScan(), kBudget, c);
                                                     c->mutable_scan()->mutable_cursor()->resize(5000);
                                                   },
                                                   "cursor"},
                                           BadCall{"HintForNobody",
                                                   [](v1::PeerCall* c) {
                                                     PeerRequestToProto(FullHint(), kBudget, c);
                                                     c->mutable_hint()->set_target(0);
                                                   },
                                                   "a hint for nobody"},
                                           BadCall{"HintOfTooManyCopies",
                                                   [](v1::PeerCall* c) {
                                                     PeerRequestToProto(FullHint(), kBudget, c);
                                                     c->mutable_hint()->set_needed(1000);
                                                   },
                                                   "a write to 1000 nodes"},
                                           BadCall{"UnknownControl",
                                                   [](v1::PeerCall* c) { c->mutable_control()->set_kind(77); },
                                                   "a control message of kind 77"},
                                           BadCall{"BadForward",
                                                   [](v1::PeerCall* c) {
                                                     PeerRequestToProto(FullForward(), kBudget, c);
                                                     c->mutable_forward()->mutable_request()->clear_key();
                                                   },
                                                   "the key is empty"}),
                         [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(Trees, BadPeerCall,
                         ::testing::Values(BadCall{"UnknownTreeLevel",
                                                   [](v1::PeerCall* c) {
                                                     PeerRequestToProto(FullTree(), kBudget, c);
                                                     c->mutable_tree()->set_level(6);
                                                   },
                                                   "a level 6 of trees"},
                                           BadCall{"NoSuchTreeNode",
                                                   [](v1::PeerCall* c) {
                                                     PeerRequestToProto(FullTree(), kBudget, c);
                                                     c->mutable_tree()->set_nodes(0, 16384u * 256);
                                                   },
                                                   "there is no tree node 4194304"},
                                           BadCall{"ManyTreeNodes",
                                                   [](v1::PeerCall* c) {
                                                     PeerRequestToProto(FullTree(), kBudget, c);
                                                     c->mutable_tree()->set_level(3);
                                                     c->mutable_tree()->clear_nodes();
                                                     for (uint32_t i = 0; i < 257; ++i) c->mutable_tree()->add_nodes(i);
                                                   },
                                                   "257 tree nodes"},
                                           BadCall{"TreeNodesOutOfOrder",
                                                   [](v1::PeerCall* c) {
                                                     PeerRequestToProto(FullTree(), kBudget, c);
                                                     c->mutable_tree()->set_level(4);
                                                     c->mutable_tree()->clear_nodes();
                                                     for (uint32_t i : {7, 7}) c->mutable_tree()->add_nodes(i);
                                                   },
                                                   "out of order"},
                                           BadCall{"NoStride",
                                                   [](v1::PeerCall* c) {
                                                     PeerRequestToProto(FullTree(), kBudget, c);
                                                     c->mutable_tree()->set_stride(0);
                                                   },
                                                   "modulo 0"}),
                         [](const auto& info) { return info.param.name; });

TEST(PeerCodec, AnAnswerOfNoKindIsAnError) {
  v1::PeerAnswer nothing;
  EXPECT_EQ(PeerReplyFromProto(&nothing).status().code(), absl::StatusCode::kInternal);
  v1::PeerAnswer strange;
  strange.set_code(4711);
  EXPECT_EQ(PeerReplyFromProto(&strange).status().code(), absl::StatusCode::kUnknown);
}

TEST(PeerCodec, GarbageIsRefusedOrHarmless) {
  std::mt19937_64 rng(21);
  const std::vector<std::string> requests = {
      EncodePeerRequest(FullMerge(), kBudget),   EncodePeerRequest(FullRead(), kBudget),
      EncodePeerRequest(FullForward(), kBudget), EncodePeerRequest(FullScan(), kBudget),
      EncodePeerRequest(FullHint(), kBudget),    EncodePeerRequest(FullTree(), kBudget)};
  const std::vector<std::string> replies = {
      EncodePeerReply(PeerReply(MergeReply{3})), EncodePeerReply(PeerReply(ReadReply{true, false, "o", {}, 1})),
      EncodePeerReply(PeerReply(ScanReply{{{KeyOf("a"), "o"}}, "c", false})),
      EncodePeerReply(PeerReply(TreeReply{false, {1, 2}, {{BucketId(1), "k", 3}}, true})),
      EncodePeerReply(absl::AbortedError("x"))};
  int accepted = 0;
  for (int i = 0; i < 40'000; ++i) {
    auto request = DecodePeerRequest(Spoil(requests[i % requests.size()], rng));
    if (request.ok()) {
      ++accepted;
      EXPECT_LT(PartitionOfRequest(request->request).value(), kPartitionCount);
    } else {
      EXPECT_EQ(request.status().code(), absl::StatusCode::kInvalidArgument);
    }
    // discarded: what matters is that it neither crashes nor hangs
    auto reply = DecodePeerReply(Spoil(replies[i % replies.size()], rng));
    if (reply.ok()) {
      EXPECT_TRUE(DecodePeerReply(EncodePeerReply(reply)).ok());
    }
  }
  EXPECT_GT(accepted, 100);
}

}  // namespace
}  // namespace henge
