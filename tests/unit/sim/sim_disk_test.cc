// What a crash leaves of a simulated disk: all that was synced, some beginning of the rest, never anything else.
#include "tests/sim/sim_disk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace henge::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

TEST(SimDiskTest, SyncedBytesSurviveAndUnsyncedOnesAreCutAnywhere) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    SimDisk disk;
    std::shared_ptr<SimFile> file = disk.Create("/f");
    disk.SyncDirectory("/");
    file->Write(0, "synced");
    file->Sync();
    file->Write(6, "+ab");
    file->Write(9, "cd");
    disk.Crash(SimRandom(seed));
    std::string left = disk.Find("/f")->file->bytes();
    EXPECT_TRUE(std::string("synced+abcd").starts_with(left) && left.size() >= 6) << left;
    seen.insert(left);
  }
  EXPECT_EQ(seen.size(), 6) << "every cut occurs";
}

TEST(SimDiskTest, UnsyncedOverwritesAreTakenBackFromTheEnd) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    SimDisk disk;
    std::shared_ptr<SimFile> file = disk.Create("/f");
    disk.SyncDirectory("/");
    file->Write(0, "........");
    file->Sync();
    file->Write(0, "11");
    file->Write(4, "22");
    disk.Crash(SimRandom(seed));
    seen.insert(disk.Find("/f")->file->bytes());
  }
  EXPECT_THAT(seen, UnorderedElementsAre("........", "1.......", "11......", "11..2...", "11..22.."));
}

TEST(SimDiskTest, AnUnsyncedTruncationMayBeTakenBack) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SimDisk disk;
    std::shared_ptr<SimFile> file = disk.Create("/f");
    disk.SyncDirectory("/");
    file->Write(0, "old contents");
    file->Sync();
    file->Truncate(0);
    disk.Crash(SimRandom(seed));
    seen.insert(disk.Find("/f")->file->bytes());
  }
  EXPECT_THAT(seen, UnorderedElementsAre("", "old contents"));
}

TEST(SimDiskTest, AFileWhoseNameWasNotSyncedMayBeGoneThoughItsBytesWere) {
  int gone = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SimDisk disk;
    std::shared_ptr<SimFile> file = disk.Create("/f");
    file->Write(0, "x");
    file->Sync();
    disk.Crash(SimRandom(seed));
    if (disk.Find("/f") == nullptr) {
      ++gone;
    } else {
      EXPECT_EQ(disk.Find("/f")->file->bytes(), "x");
    }
  }
  EXPECT_GT(gone, 20);
  EXPECT_LT(gone, 80);
}

TEST(SimDiskTest, ARenameIsAllOrNothing) {
  std::set<std::string> seen;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SimDisk disk;
    disk.Create("/CURRENT")->Write(0, "old");
    disk.Create("/new")->Write(0, "new");
    disk.Find("/CURRENT")->file->Sync();
    disk.Find("/new")->file->Sync();
    disk.SyncDirectory("/");
    disk.Rename("/new", "/CURRENT");
    disk.Crash(SimRandom(seed));
    std::vector<std::string> names = disk.Children("/");
    std::string current = disk.Find("/CURRENT")->file->bytes();
    seen.insert(current);
    if (current == "old") {
      EXPECT_THAT(names, ElementsAre("CURRENT", "new"));
    } else {
      EXPECT_THAT(names, ElementsAre("CURRENT"));
    }
  }
  EXPECT_EQ(seen.size(), 2);
}

TEST(SimDiskTest, ChangesOfDirectoriesAreKeptInTheirOrder) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SimDisk disk;
    for (char name : std::string("abcd")) disk.Create(std::string("/") + name);
    disk.Crash(SimRandom(seed));
    std::string left;
    for (const std::string& name : disk.Children("/")) left += name;
    EXPECT_TRUE(std::string("abcd").starts_with(left)) << left;
  }
}

TEST(SimDiskTest, WhatLiesInALostDirectoryIsLost) {
  int lost = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SimDisk disk;
    disk.MakeDirectory("/d");
    disk.Create("/d/f");
    disk.SyncDirectory("/d");  // the name "f" in "d", not the name "d"
    disk.Crash(SimRandom(seed));
    lost += disk.Find("/d") == nullptr ? 1 : 0;
    EXPECT_EQ(disk.Find("/d") == nullptr, disk.Find("/d/f") == nullptr);
  }
  EXPECT_GT(lost, 20);
}

TEST(SimDiskTest, ARemovalThatWasNotSyncedMayComeBack) {
  int back = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    SimDisk disk;
    disk.Create("/f");
    disk.SyncDirectory("/");
    disk.Remove("/f");
    disk.Crash(SimRandom(seed));
    back += disk.Find("/f") != nullptr ? 1 : 0;
  }
  EXPECT_GT(back, 20);
  EXPECT_LT(back, 80);
}

}  // namespace
}  // namespace henge::sim
