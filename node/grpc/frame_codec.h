// Frames as they stand on a stream: fields are appended as bytes, whole frames are parsed on an arena.
#pragma once

#include <string>

#include <google/protobuf/arena.h>
#include <google/protobuf/message_lite.h>
#include <grpcpp/support/byte_buffer.h>

namespace henge {

// Appends `message` to a fragment of a frame, as an element of the frame's field `field` (1..15).
void AppendField(int field, const google::protobuf::MessageLite& message, std::string* fragment);
void AppendVarintField(int field, uint64_t value, std::string* fragment);
void AppendFixed64Field(int field, uint64_t value, std::string* fragment);

// Parses one frame after another; what a frame held lives until the next Parse. One thread at a time.
class FrameParser {
 public:
  FrameParser();

  // Null if `bytes` are no such message.
  template <class Frame>
  Frame* Parse(const grpc::ByteBuffer& bytes) {
    arena_.Reset();
    auto* frame = google::protobuf::Arena::CreateMessage<Frame>(&arena_);
    return ParseInto(bytes, frame) ? frame : nullptr;
  }
  void Clear() { arena_.Reset(); }

 private:
  static bool ParseInto(const grpc::ByteBuffer& bytes, google::protobuf::MessageLite* frame);

  google::protobuf::Arena arena_;
};

}  // namespace henge
