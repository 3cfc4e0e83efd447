// Damaged and full disks of real nodes: refused or reported in clear words, never served, nothing else lost.
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/chaos/henged_cluster.h"
#include "tests/free_address.h"

namespace henge::chaos {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int kKeys = 200;

std::string KeyOf(int i) { return "k" + std::to_string(i); }
// Long, and hard to compress: most bytes of a file are bytes of values.
std::string ValueOf(int i) {
  std::string value = "value " + std::to_string(i) + " ";
  uint64_t state = static_cast<uint64_t>(i) + 1;
  while (value.size() < 1000) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    value.push_back(static_cast<char>('a' + (state >> 40) % 26));
  }
  return value;
}

// By all three: a replica that is killed right afterwards has each of them.
void PutAll(RawClient& client) {
  for (int i = 0; i < kKeys; ++i) ASSERT_TRUE(client.Put(KeyOf(i), ValueOf(i), "", 3).ok());
}

// The largest file below `dir` with this ending.
std::string LargestFile(const std::string& dir, const std::string& ending) {
  std::string largest;
  uintmax_t size = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir)) {
    if (!entry.is_regular_file() || !entry.path().string().ends_with(ending) || entry.file_size() <= size) continue;
    size = entry.file_size();
    largest = entry.path().string();
  }
  return largest;
}

void FlipMiddleByte(const std::string& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(0, std::ios::end);
  const auto middle = file.tellg() / 2;
  char byte = 0;
  file.seekg(middle);
  file.get(byte);
  file.seekp(middle);
  file.put(static_cast<char>(byte ^ 0x40));
}

// P36: a node whose log is broken in the middle holds acknowledged writes that it can't read: it must not start without
// them.
TEST(DamagedDisk, AFlippedByteInTheLogRefusesToStartAndChangesNothing) {
  HengedCluster cluster(3);
  ASSERT_TRUE(cluster.StartAll());
  PutAll(cluster.client(0));
  cluster.process(2).Kill();
  const std::string log = LargestFile(cluster.DataDir(2), ".log");
  ASSERT_FALSE(log.empty());
  FlipMiddleByte(log);
  {
    HengedProcess refused(cluster.scratch(), cluster.Flags(2));
    const auto exit = refused.AwaitExit();
    ASSERT_TRUE(exit.has_value());
    EXPECT_EQ(exit->code, 1);
    EXPECT_THAT(refused.Stderr(), HasSubstr("DATA_LOSS"));
    EXPECT_THAT(refused.Stderr(), HasSubstr("checksum mismatch"));
    EXPECT_THAT(refused.Stderr(), HasSubstr("nothing was changed; restore the disk"));
  }
  // Two of three go on meanwhile.
  for (int i = 0; i < kKeys; ++i) EXPECT_THAT(cluster.client(0).Get(KeyOf(i)).reply.values(), ElementsAre(ValueOf(i)));
  FlipMiddleByte(log);
  ASSERT_TRUE(cluster.Start(2)) << cluster.process(2).Stderr();
  ASSERT_TRUE(cluster.AwaitPeers(2, 2));
  for (int i = 0; i < kKeys; ++i) EXPECT_THAT(cluster.client(2).Get(KeyOf(i)).reply.values(), ElementsAre(ValueOf(i)));
}

// H44, I19, P35: what doesn't pass its checksum is never served, nor taken for absent; the other replicas answer, and
// the record is mended from their copies.
TEST(DamagedDisk, AFlippedByteInATableIsNeitherServedNorAbsentAndIsMended) {
  HengedCluster cluster(3);
  ASSERT_TRUE(cluster.StartAll());
  PutAll(cluster.client(0));
  cluster.process(2).Kill();
  ASSERT_TRUE(cluster.Start(2));  // makes a table of its log
  ASSERT_TRUE(cluster.AwaitPeers(2, 2));
  cluster.process(2).Kill();
  const std::string table = LargestFile(cluster.DataDir(2), ".sst");
  ASSERT_FALSE(table.empty());
  FlipMiddleByte(table);
  ASSERT_TRUE(cluster.Start(2)) << cluster.process(2).Stderr();
  ASSERT_TRUE(cluster.AwaitPeers(2, 2));
  ASSERT_TRUE(cluster.AwaitPeers(0, 2));
  int broken = 0;
  for (int i = 0; i < kKeys; ++i) {
    const auto all = cluster.client(0).Get(KeyOf(i), 3);
    if (all.ok()) {
      EXPECT_THAT(all.reply.values(), ElementsAre(ValueOf(i)));
    } else {
      ++broken;
      EXPECT_THAT(all.status.error_message(), HasSubstr("n3"));
    }
    const auto quorum = cluster.client(2).Get(KeyOf(i));
    EXPECT_TRUE(quorum.ok()) << quorum.status.error_message();
    EXPECT_THAT(quorum.reply.values(), ElementsAre(ValueOf(i)));
  }
  EXPECT_GT(broken, 0) << "the damage must have met a record";
  EXPECT_LT(broken, kKeys / 2) << "and harm no record beyond its block";
  EXPECT_TRUE(cluster.process(2).AwaitStderr("RecordBroken"));
  EXPECT_TRUE(cluster.process(2).AwaitStderr("RecordMended"));
  for (int i = 0; i < kKeys; ++i) {
    EXPECT_TRUE(cluster.AwaitTrue([&] { return cluster.client(0).Get(KeyOf(i), 3).ok(); })) << KeyOf(i);
  }
}

// H44: nobody reads; the scrub finds what is broken, and mends it from the other owners.
TEST(DamagedDisk, TheScrubFindsAFlippedByteInATableAndMendsTheRecords) {
  HengedCluster cluster(3, {"--scrub-pause=1ms"});
  ASSERT_TRUE(cluster.StartAll());
  PutAll(cluster.client(0));
  cluster.process(2).Kill();
  ASSERT_TRUE(cluster.Start(2));  // makes a table of its log
  ASSERT_TRUE(cluster.AwaitPeers(2, 2));
  cluster.process(2).Kill();
  const std::string table = LargestFile(cluster.DataDir(2), ".sst");
  ASSERT_FALSE(table.empty());
  FlipMiddleByte(table);
  ASSERT_TRUE(cluster.Start(2)) << cluster.process(2).Stderr();
  EXPECT_TRUE(cluster.process(2).AwaitStderr("LeafUnreadable"));
  EXPECT_TRUE(cluster.process(2).AwaitStderr("RecordMended"));
  ASSERT_TRUE(cluster.AwaitTrue([&] {
    const v1::EntropyStatus entropy = cluster.client(2).Status().entropy();
    return entropy.scrub_passes() > 0 && entropy.scrub_segments_mended() > 0;
  })) << cluster.process(2).Stderr();
  // Its own records, all of them, with nobody left to ask.
  cluster.process(0).Kill();
  cluster.process(1).Kill();
  for (int i = 0; i < kKeys; ++i) {
    const auto own = cluster.client(2).Get(KeyOf(i), 1);
    EXPECT_TRUE(own.ok()) << KeyOf(i) << ": " << own.status.error_message();
    EXPECT_THAT(own.reply.values(), ElementsAre(ValueOf(i)));
  }
}

// P15: a node whose disk is gone is whole again with no read and no hint to help, and answers for itself then.
TEST(LostDisk, AWipedNodeIsWholeAgainByAntiEntropyAlone) {
  HengedCluster cluster(3);
  ASSERT_TRUE(cluster.StartAll());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(cluster.AwaitState(i, 2));
  PutAll(cluster.client(0));
  cluster.process(2).Kill();
  std::filesystem::remove_all(cluster.DataDir(2));
  ASSERT_TRUE(cluster.Start(2)) << cluster.process(2).Stderr();
  ASSERT_TRUE(cluster.AwaitState(2, 3)) << "the others have bound its new store";
  ASSERT_TRUE(cluster.AwaitWhole(2)) << cluster.process(2).Stderr();
  const v1::NodeStatusReply status = cluster.client(2).Status();
  uint64_t repaired = status.entropy().repaired_here();
  for (int i : {0, 1}) {
    const v1::NodeStatusReply other = cluster.client(i).Status();
    repaired += other.entropy().repaired_there();
    EXPECT_EQ(other.hints_delivered(), 0u);
    EXPECT_EQ(other.read_repairs(), 0u);
  }
  EXPECT_GE(repaired, static_cast<uint64_t>(kKeys));
  EXPECT_EQ(status.gets(), 0u);
  cluster.process(0).Kill();
  cluster.process(1).Kill();
  for (int i = 0; i < kKeys; ++i)
    EXPECT_THAT(cluster.client(2).Get(KeyOf(i), 1).reply.values(), ElementsAre(ValueOf(i)));
}

// P37: a disk that is nearly full refuses puts with the reason; reads and deletes go on.
TEST(FullDisk, RefusesPutsAndServesReadsAndDeletes) {
  TempDir scratch;
  const std::vector<std::string> flags = {"--data-dir=" + (scratch / "data"), "--client-listen=" + FreeAddress(),
                                          "--peer-listen=" + FreeAddress()};
  HengedProcess roomy(scratch, flags);
  ASSERT_TRUE(roomy.AwaitReady()) << roomy.Stderr();
  ASSERT_TRUE(RawClient(roomy.client_address()).Put("k", "v").ok());
  roomy.Signal(SIGTERM);
  ASSERT_TRUE(roomy.AwaitExit().has_value());

  std::vector<std::string> tight = flags;
  tight.push_back("--store-free-for-writes=1000000GiB");
  HengedProcess full(scratch, tight);
  ASSERT_TRUE(full.AwaitReady()) << full.Stderr();
  RawClient client(full.client_address());
  const auto put = client.Put("k2", "v");
  EXPECT_EQ(put.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(put.status.error_message(), HasSubstr("nearly full"));
  EXPECT_THAT(put.status.error_message(), HasSubstr("free space"));
  const auto get = client.Get("k");
  EXPECT_THAT(get.reply.values(), ElementsAre("v"));
  EXPECT_TRUE(client.Delete("k", get.reply.context()).ok());
  EXPECT_TRUE(client.Get("k").reply.values().empty());
}

}  // namespace
}  // namespace henge::chaos
