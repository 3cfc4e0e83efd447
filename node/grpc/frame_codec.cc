#include "node/grpc/frame_codec.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>
#include <grpcpp/support/proto_buffer_reader.h>

#include "core/model/wire.h"

namespace henge {
namespace {

using google::protobuf::internal::WireFormatLite;

constexpr size_t kArenaBlockBytesFirst = 4 << 10;
constexpr size_t kArenaBlockBytesMax = 256 << 10;

char TagOf(int field, WireFormatLite::WireType type) { return static_cast<char>(WireFormatLite::MakeTag(field, type)); }

google::protobuf::ArenaOptions ParserArena() {
  google::protobuf::ArenaOptions options;
  options.start_block_size = kArenaBlockBytesFirst;
  options.max_block_size = kArenaBlockBytesMax;
  return options;
}

}  // namespace

void AppendField(int field, const google::protobuf::MessageLite& message, std::string* fragment) {
  const size_t size = message.ByteSizeLong();
  const size_t start = fragment->size();
  fragment->resize(start + 1 + VarintSize(size) + size);
  char* at = fragment->data() + start;
  *at++ = TagOf(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
  at = PutVarint(at, size);
  message.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(at));
}

void AppendVarintField(int field, uint64_t value, std::string* fragment) {
  ByteWriter out(fragment);
  out.Byte(static_cast<uint8_t>(TagOf(field, WireFormatLite::WIRETYPE_VARINT)));
  out.Varint(value);
}

void AppendFixed64Field(int field, uint64_t value, std::string* fragment) {
  ByteWriter out(fragment);
  out.Byte(static_cast<uint8_t>(TagOf(field, WireFormatLite::WIRETYPE_FIXED64)));
  out.Fixed64(value);
}

FrameParser::FrameParser() : arena_(ParserArena()) {}

bool FrameParser::ParseInto(const grpc::ByteBuffer& bytes, google::protobuf::MessageLite* frame) {
  // The reader takes the buffer by a pointer to non-const and reads only.
  grpc::ProtoBufferReader reader(const_cast<grpc::ByteBuffer*>(&bytes));
  return reader.status().ok() && frame->ParseFromZeroCopyStream(&reader);
}

}  // namespace henge
