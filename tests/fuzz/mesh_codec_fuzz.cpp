// The decoders of what another node sends. What they take must survive being encoded and decoded again: a node passes
// records on.
#include <cstdint>
#include <string>
#include <string_view>

#include "mesh/base/assert.hpp"
#include "mesh/wire/codec.hpp"

namespace {

using tulle::mesh::CodecError;

/// The first encoding may differ from the input, as protobuf has several for one message; from then on nothing changes.
template <class Message>
void round_trip(const Message& message, tulle::Result<Message, CodecError> (*decode)(std::string_view)) {
    const std::string bytes = encode(message);
    if (bytes.size() > tulle::mesh::kMaxMessageBytes) {
        return;  // absent fields have become default ones
    }
    const auto again = decode(bytes);
    TULLE_ASSERT(again);
    TULLE_ASSERT(again->src == message.src && again->dst == message.dst && again->tag == message.tag);
    TULLE_ASSERT(again->body.index() == message.body.index());
    TULLE_ASSERT(encode(*again) == bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (const auto control = tulle::mesh::decode_control(bytes)) {
        round_trip(*control, &tulle::mesh::decode_control);
    }
    if (const auto frame = tulle::mesh::decode_data(bytes)) {
        round_trip(*frame, &tulle::mesh::decode_data);
    }
    if (const auto oid = tulle::mesh::oid_of_topic(bytes)) {
        TULLE_ASSERT(bytes.size() == tulle::mesh::kTopicBytes);
        TULLE_ASSERT(tulle::mesh::oid_of_topic(tulle::mesh::topic_of(*oid)) == oid);
    }
    return 0;
}
