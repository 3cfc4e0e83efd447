// Random bytes and damaged encodings against every decoder: no crash, and what is accepted encodes to the same bytes.

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/model/cluster_state.h"
#include "core/model/context.h"
#include "core/model/hash.h"
#include "core/model/object.h"
#include "core/model/wire.h"
#include "tests/unit/model/model_samples.h"

namespace henge {
namespace {

using Random = std::mt19937_64;

std::string RandomBytes(Random& random, size_t size_max) {
  std::string bytes(random() % (size_max + 1), '\0');
  // Small numbers are what gets past the counts.
  const bool small = random() % 2 == 0;
  for (char& c : bytes) c = static_cast<char>(small ? random() % 4 : random());
  return bytes;
}

// One to three edits: a bit, a byte, a cut, a repeat, an insertion, or a piece of `other`.
std::string Mutate(Random& random, std::string bytes, const std::string& other) {
  for (uint64_t edits = 1 + random() % 3; edits > 0 && !bytes.empty(); --edits) {
    const size_t at = random() % bytes.size();
    switch (random() % 6) {
      case 0:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random() % 8)));
        break;
      case 1:
        bytes[at] = static_cast<char>(random() % 2 == 0 ? random() : random() % 3);
        break;
      case 2:
        bytes.erase(at, 1 + random() % 20);
        break;
      case 3:
        bytes.insert(at, bytes.substr(at, 1 + random() % 40));
        break;
      case 4:
        bytes.insert(at, 1, static_cast<char>(random()));
        break;
      default:
        bytes.replace(at, 1 + random() % 20, other.substr(random() % (other.size() + 1), 30));
        break;
    }
  }
  return bytes;
}

Object RandomObject(Random& random) {
  Object object;
  for (uint64_t n = random() % 5; n > 0; --n) {
    ObjectBuilder::Vv(object).Raise(ActorOf(random() % 3, random(), 1 + random() % 300), 1 + random() % 1000);
  }
  for (uint64_t n = random() % 4; n > 0; --n) {
    Sibling sibling{.dot = {ActorOf(random() % 3, random() % 2, 1 + random() % 2), 1 + random() % 3},
                    .tombstone = random() % 4 == 0,
                    .hlc = random()};
    if (!sibling.tombstone) sibling.value = RandomBytes(random, 20);
    if (random() % 2 == 0) sibling.expires_at_ms = static_cast<int64_t>(random());
    if (random() % 2 == 0) sibling.op_id = {random(), random()};
    ObjectBuilder::Add(object, sibling);
  }
  return object;
}

// Decodes; if it is accepted, it must be canonical, and fit for merging.
bool TryObject(const std::string& bytes) {
  const absl::StatusOr<Object> object = Object::Decode(bytes);
  if (!object.ok()) {
    EXPECT_EQ(object.status().code(), absl::StatusCode::kDataLoss);
    return false;
  }
  EXPECT_EQ(object->Encode(), bytes);
  for (const Sibling& sibling : object->siblings()) EXPECT_TRUE(object->vv().Covers(sibling.dot));
  return true;
}

TEST(DecodeFuzzTest, RandomObjectsComeBackAndMergeAlike) {
  Random random(1);
  for (int i = 0; i < 50'000; ++i) {
    const Object a = RandomObject(random);
    const Object b = RandomObject(random);
    ASSERT_TRUE(TryObject(a.Encode()));
    Object ab = a;
    const bool changed = ab.Merge(b);
    ASSERT_EQ(changed, ab != a);
    Object ba = b;
    ba.Merge(a);
    ASSERT_EQ(ab, ba);
    ASSERT_TRUE(ab.Includes(a) && ab.Includes(b));
    ASSERT_TRUE(TryObject(ab.Encode()));
  }
}

TEST(DecodeFuzzTest, DamagedObjectsAreRefusedOrCanonical) {
  Random random(2);
  int accepted = 0;
  for (int i = 0; i < 300'000; ++i) {
    const std::string other = RandomObject(random).Encode();
    accepted += TryObject(Mutate(random, RandomObject(random).Encode(), other)) ? 1 : 0;
    accepted += TryObject(RandomBytes(random, 100)) ? 1 : 0;
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_GT(accepted, 1000) << "the mutations reach past the first checks";
}

TEST(DecodeFuzzTest, DamagedContextsAreRefused) {
  Random random(3);
  const ClusterId cluster(1);
  const BucketId bucket(1);
  for (int i = 0; i < 200'000; ++i) {
    const Context context{.vv = RandomObject(random).vv(), .hlc_max = random()};
    const std::string sealed = SealContext(context, cluster, bucket, "key");
    const auto whole = OpenContext(sealed, cluster, bucket, "key");
    ASSERT_TRUE(whole.ok() && *whole == context);
    const std::string damaged = Mutate(random, sealed, sealed);
    if (damaged != sealed && !damaged.empty()) {
      ASSERT_EQ(OpenContext(damaged, cluster, bucket, "key").status().code(), absl::StatusCode::kInvalidArgument);
    }
  }
}

// A forger knows the checksum: what lies behind it must be safe too.
TEST(DecodeFuzzTest, ContextsWithARightChecksumAreRefusedOrCanonical) {
  Random random(4);
  const ClusterId cluster(1);
  const BucketId bucket(1);
  const std::string plain = SealContext({}, cluster, bucket, "key");
  const std::string header = plain.substr(0, plain.size() - 9);
  int accepted = 0;
  for (int i = 0; i < 200'000; ++i) {
    const std::string inner = RandomObject(random).Encode();
    std::string body = header + Mutate(random, inner.substr(1), inner);
    ByteWriter(&body).Fixed64(Hash64(body, 0x636f6e74'73756d00));
    const auto opened = OpenContext(body, cluster, bucket, "key");
    if (!opened.ok()) continue;
    ++accepted;
    ASSERT_EQ(SealContext(*opened, cluster, bucket, "key"), body);
  }
  EXPECT_GT(accepted, 500);
}

TEST(DecodeFuzzTest, DamagedClusterStatesAreRefusedOrCanonical) {
  Random random(5);
  std::vector<std::string> samples;
  for (int n : {1, 3, 8}) {
    std::vector<InitialMember> members;
    for (int i = 0; i < n; ++i) members.push_back({.name = absl::StrCat("n", i), .zone = absl::StrCat("z", i % 3)});
    samples.push_back(MakeInitialState("token", 3, members)->Encode());
  }
  int accepted = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string bytes = random() % 4 == 0 ? "\x01" + RandomBytes(random, 200)
                                                : Mutate(random, samples[random() % 3], samples[random() % 3]);
    const auto state = ClusterState::Decode(bytes);
    if (!state.ok()) continue;
    ++accepted;
    ASSERT_EQ(state->Encode(), bytes);
    ASSERT_EQ(state->owners.size(), static_cast<size_t>(kPartitionCount));
  }
  EXPECT_GT(accepted, 100);
}

}  // namespace
}  // namespace henge
