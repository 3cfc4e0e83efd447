#include "storage/stored_record.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "storage/text.h"

namespace henge {
namespace {

std::string Encode(std::string_view storage_key, const StoredRecord& record) {
  return std::string(RecordHeader(storage_key, record).bytes()) + record.object;
}

const StoredRecord kPlain{"object bytes", std::nullopt, 1'700'000'000'123};
const StoredRecord kMarked{"object bytes", Mark{Lifetime(0x0102030405060708), 3, 200}, 1'700'000'000'123};

TEST(StoredRecordTest, EnvelopeHasTheBytesOfTheFormat) {
  EXPECT_EQ(absl::BytesToHexString(AbslText(Encode("key", kPlain))),
            "011ca4b6766f6c6eed007b68e5cf8b0100006f626a656374206279746573");
  EXPECT_EQ(absl::BytesToHexString(AbslText(Encode("key", kMarked))),
            "0196137b73663df4d2017b68e5cf8b010000080706050403020103c8016f626a656374206279746573");
}

TEST(StoredRecordTest, DecodingGivesBackTheRecord) {
  for (const StoredRecord& record :
       {kPlain, kMarked, StoredRecord{"", std::nullopt, 0}, StoredRecord{std::string(1 << 20, 'x'), Mark{}, -1}}) {
    absl::StatusOr<StoredRecord> decoded = DecodeStoredRecord("key", Encode("key", record));
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    EXPECT_EQ(decoded->object, record.object);
    EXPECT_EQ(decoded->mark, record.mark);
    EXPECT_EQ(decoded->written_at_ms, record.written_at_ms);
  }
}

TEST(StoredRecordTest, EveryFlippedBitIsFound) {
  for (const StoredRecord& record : {kPlain, kMarked}) {
    std::string bytes = Encode("key", record);
    for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      std::string damaged = bytes;
      damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
      EXPECT_EQ(DecodeStoredRecord("key", damaged).status().code(), absl::StatusCode::kDataLoss) << "bit " << bit;
    }
  }
}

TEST(StoredRecordTest, EveryTruncationIsFound) {
  std::string bytes = Encode("key", kMarked);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(DecodeStoredRecord("key", std::string_view(bytes).substr(0, size)).status().code(),
              absl::StatusCode::kDataLoss)
        << size;
  }
}

TEST(StoredRecordTest, ARecordUnderAnotherKeyIsBroken) {
  absl::StatusOr<StoredRecord> misdirected = DecodeStoredRecord("kez", Encode("key", kMarked));
  EXPECT_EQ(misdirected.status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace henge
