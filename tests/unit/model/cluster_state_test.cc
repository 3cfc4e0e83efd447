#include "core/model/cluster_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace henge {
namespace {

using ::testing::HasSubstr;

InitialMember MemberNamed(const std::string& name) {
  return {.name = name, .client_address = absl::StrCat(name, ":7400"), .peer_address = absl::StrCat(name, ":7401")};
}

std::vector<InitialMember> Three() { return {MemberNamed("a"), MemberNamed("b"), MemberNamed("c")}; }

ClusterState Sample() { return *MakeInitialState("token", 3, Three()); }

TEST(InitialStateTest, P30IsTheSameWhateverTheOrderOfTheList) {
  std::vector<InitialMember> members = Three();
  std::reverse(members.begin(), members.end());
  const auto other = MakeInitialState("token", 3, members);
  ASSERT_TRUE(other.ok());
  EXPECT_EQ(*other, Sample());
  EXPECT_EQ(other->Digest(), Sample().Digest());
}

TEST(InitialStateTest, NumbersMembersByNameAndHasOneBucket) {
  const ClusterState state = Sample();
  EXPECT_EQ(state.version, StateVersion(1));
  EXPECT_EQ(state.FindMember(MemberId(2))->name, "b");
  EXPECT_EQ(state.FindMemberByName("c")->id, MemberId(3));
  EXPECT_EQ(state.FindMember(MemberId(4)), nullptr);
  EXPECT_EQ(state.FindMemberByName("d"), nullptr);
  ASSERT_EQ(state.buckets.size(), 1u);
  EXPECT_EQ(state.FindBucket("default")->id, BucketId(1));
  EXPECT_EQ(state.FindBucket(BucketId(1))->name, "default");
  EXPECT_EQ(state.FindBucket("other"), nullptr);
  EXPECT_EQ(state.FindBucket(BucketId(2)), nullptr);
  ASSERT_EQ(state.owners.size(), static_cast<size_t>(kPartitionCount));
  ASSERT_EQ(state.epochs.size(), static_cast<size_t>(kPartitionCount));
  for (const auto& list : state.owners) EXPECT_EQ(list.size(), 3u);
}

TEST(InitialStateTest, P30TheClusterIdDependsOnTokenAndMembers) {
  const ClusterId id = Sample().cluster;
  EXPECT_NE(id, ClusterId(0));
  EXPECT_NE(MakeInitialState("other", 3, Three())->cluster, id);
  EXPECT_NE(MakeInitialState("token", 2, Three())->cluster, id);
  std::vector<InitialMember> moved = Three();
  moved[0].peer_address = "a:7501";
  EXPECT_NE(MakeInitialState("token", 3, moved)->cluster, id);
}

// Golden: every build of every machine must come to these (P30).
TEST(InitialStateTest, P30GoldenVectors) {
  EXPECT_EQ(Sample().cluster.value(), 8160129573331897588u);
  EXPECT_EQ(Sample().Digest(), 5166451658883855976u);
}

TEST(InitialStateTest, FewerMembersThanReplicasOwnEverything) {
  const auto state = MakeInitialState("token", 3, {MemberNamed("a")});
  ASSERT_TRUE(state.ok());
  for (const auto& list : state->owners) EXPECT_EQ(list, std::vector<MemberId>{MemberId(1)});
}

void ExpectRefused(uint32_t replicas, const std::vector<InitialMember>& members, const std::string& why) {
  const absl::Status status = MakeInitialState("token", replicas, members).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr(why));
}

TEST(InitialStateTest, BadListsAreRefusedWithTheReason) {
  ExpectRefused(3, {}, "at least one member");
  ExpectRefused(0, Three(), "replicas is 0");
  ExpectRefused(8, Three(), "replicas is 8");
  ExpectRefused(3, {MemberNamed("a"), MemberNamed("a")}, "two members are named a");
  ExpectRefused(3, {MemberNamed("")}, "no name");
  std::vector<InitialMember> members = Three();
  members[1].client_address = members[2].client_address;
  ExpectRefused(3, members, "c:7400 is given twice");
  members = Three();
  members[0].client_address = members[0].peer_address;
  ExpectRefused(3, members, "use two ports");
  members = Three();
  members[0].weight = 0;
  ExpectRefused(3, members, "member a has weight 0");
  members[0].weight = kWeightMax + 1;
  ExpectRefused(3, members, "weight 1000001");
  members = Three();
  members[0].zone = std::string(kZoneBytesMax + 1, 'z');
  ExpectRefused(3, members, "the zone of a member is 65 bytes long");
}

TEST(ClusterStateTest, EncodingComesBack) {
  ClusterState state = Sample();
  state.version = StateVersion(9);
  state.members[1].zone = "west";
  state.owners[5] = {MemberId(3), MemberId(1)};
  state.epochs[5] = LayoutEpoch(9);
  state.buckets.push_back({.id = BucketId(7),
                           .name = "more",
                           .conflict = ConflictPolicy::kLastWriterWins,
                           .read_quorum = 1,
                           .write_quorum = 3,
                           .mode = BucketMode::kStrict,
                           .ttl_ms = 86'400'000});
  state.next_bucket_id = BucketId(9);
  for (Member& member : state.members) member.store = StoreId(1000 + member.id.value());
  state.changes = {5, 6};
  const auto decoded = ClusterState::Decode(state.Encode());
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, state);
  EXPECT_EQ(decoded->Digest(), state.Digest());
  EXPECT_NE(state.Digest(), Sample().Digest());
}

// P30: version 1 is hashed into the cluster's id, so that its bytes stay what they are; it knows no store and no
// change.
TEST(ClusterStateTest, P30VersionOneHasAFormOfItsOwn) {
  ClusterState state = Sample();
  EXPECT_EQ(state.Encode()[0], 1);
  EXPECT_FALSE(state.IsBound());
  std::string bytes = state.Encode();
  state.version = StateVersion(2);
  EXPECT_EQ(state.Encode()[0], 2);
  bytes[0] = 2;
  EXPECT_EQ(ClusterState::Decode(bytes).status().code(), absl::StatusCode::kDataLoss);
  bytes = state.Encode();
  bytes[0] = 1;
  EXPECT_EQ(ClusterState::Decode(bytes).status().code(), absl::StatusCode::kDataLoss);
  for (Member& member : state.members) member.store = StoreId(7);
  EXPECT_TRUE(state.IsBound());
  bytes = state.Encode();
  for (size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(ClusterState::Decode(bytes.substr(0, size)).ok());
}

TEST(ClusterStateTest, OwnersTakeRoomByRunsNotByPartitions) { EXPECT_LT(Sample().Encode().size(), 300u); }

TEST(ClusterStateTest, EveryTruncationIsRefused) {
  const std::string bytes = Sample().Encode();
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(ClusterState::Decode(bytes.substr(0, size)).status().code(), absl::StatusCode::kDataLoss) << size;
  }
  EXPECT_EQ(ClusterState::Decode(bytes + "x").status().code(), absl::StatusCode::kDataLoss);
}

TEST(ClusterStateTest, ARunInTwoPiecesIsRefused) {
  const std::string bytes = MakeInitialState("token", 3, {MemberNamed("a")})->Encode();
  // 16,384 times the list of member 1, then 16,384 times epoch 1; and the same in halves.
  const std::string owners = "\x80\x80\x01\x01\x01";
  const std::string epochs = "\x80\x80\x01\x01";
  const std::string half_owners = "\x80\x40\x01\x01";
  const std::string half_epochs = "\x80\x40\x01";
  ASSERT_TRUE(bytes.ends_with(owners + epochs));
  const std::string head = bytes.substr(0, bytes.size() - owners.size() - epochs.size());
  EXPECT_TRUE(ClusterState::Decode(head + owners + epochs).ok());
  for (const std::string& tail : {half_owners + half_owners + epochs, owners + half_epochs + half_epochs}) {
    EXPECT_EQ(ClusterState::Decode(head + tail).status().code(), absl::StatusCode::kDataLoss);
  }
}

// P32.
TEST(ClusterStateTest, FormerIdsAreKeptAndOnlyWhatNeedsThemHasTheirForm) {
  ClusterState state = Sample();
  state.version = StateVersion(2);
  const uint64_t digest = state.Digest();
  state.former = {ClusterId(7), ClusterId(8)};
  EXPECT_EQ(*ClusterState::Decode(state.Encode()), state);
  EXPECT_NE(state.Digest(), digest);
  EXPECT_EQ(state.origin(), ClusterId(7));
  EXPECT_TRUE(state.HasFormer(ClusterId(8)));
  EXPECT_EQ(state.Encode()[0], 3);
  EXPECT_LT(Sample().Encode()[0], 3);
  EXPECT_EQ(Sample().origin(), Sample().cluster);
  for (const std::vector<ClusterId>& wrong : {std::vector{ClusterId(7), ClusterId(7)}, std::vector{state.cluster}}) {
    state.former = wrong;
    EXPECT_FALSE(ClusterState::Decode(state.Encode()).ok());
  }
}

TEST(ClusterStateTest, ANewerFormatAsksForAnUpgrade) {
  std::string bytes = Sample().Encode();
  bytes[0] = 4;
  const absl::Status status = ClusterState::Decode(bytes).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("upgrade this node"));
}

TEST(ClusterStateTest, WhatTheMembersCouldNotHaveAgreedOnIsRefused) {
  const auto refused = [](auto change) {
    ClusterState state = Sample();
    change(state);
    return ClusterState::Decode(state.Encode()).status().code() == absl::StatusCode::kDataLoss;
  };
  EXPECT_FALSE(refused([](ClusterState&) {}));
  EXPECT_TRUE(refused([](ClusterState& s) { s.replicas = 0; }));
  EXPECT_TRUE(refused([](ClusterState& s) { s.replicas = 8; }));
  EXPECT_TRUE(refused([](ClusterState& s) { std::swap(s.members[0], s.members[1]); }));
  EXPECT_TRUE(refused([](ClusterState& s) { s.members[0].id = MemberId(0); }));
  EXPECT_TRUE(refused([](ClusterState& s) { s.members[0].weight = 0; }));
  EXPECT_TRUE(refused([](ClusterState& s) { s.members[0].name = std::string(65, 'n'); }));
  EXPECT_TRUE(refused([](ClusterState& s) { s.buckets.push_back(s.buckets[0]); }));
  EXPECT_TRUE(refused([](ClusterState& s) { s.buckets[0].conflict = static_cast<ConflictPolicy>(9); }));
  EXPECT_TRUE(refused([](ClusterState& s) { s.next_bucket_id = s.buckets[0].id; }));
  EXPECT_TRUE(refused([](ClusterState& s) { s.buckets[0].read_quorum = s.replicas + 1; }));
  EXPECT_TRUE(refused([](ClusterState& s) { s.buckets[0].write_quorum = s.replicas + 1; }));
  EXPECT_TRUE(refused([](ClusterState& s) { s.buckets[0].mode = static_cast<BucketMode>(2); }));
  EXPECT_TRUE(refused([](ClusterState& s) { s.buckets[0].durability = static_cast<Durability>(1); }));
  EXPECT_TRUE(refused([](ClusterState& s) { s.buckets[0].ttl_ms = kBucketTtlMsMax + 1; }));
  EXPECT_TRUE(refused([](ClusterState& s) { s.owners[3] = {MemberId(9)}; }));
  EXPECT_TRUE(refused([](ClusterState& s) { s.owners[3] = {MemberId(1), MemberId(1)}; }));
  EXPECT_TRUE(refused([](ClusterState& s) { s.owners.pop_back(); }));
  EXPECT_TRUE(refused([](ClusterState& s) { s.owners.push_back(s.owners.back()); }));
  EXPECT_TRUE(refused([](ClusterState& s) { s.epochs.pop_back(); }));
  EXPECT_FALSE(refused([](ClusterState& s) { s.version = StateVersion(3), s.changes = {1, 2}; }));
  EXPECT_TRUE(refused([](ClusterState& s) { s.version = StateVersion(3), s.changes = {1, 2, 3}; }));
  EXPECT_TRUE(refused([](ClusterState& s) { s.version = StateVersion(99), s.changes.resize(kStateChangesMax + 1); }));
}

}  // namespace
}  // namespace henge
