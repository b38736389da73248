// The envelopes of the mesh. Decoding goes from the outside in: size, Protocol Buffers, version, sender, then the body
// with the limits of its kind (decode.cpp). A Relay contains a message, so decoding a Relay decodes an envelope again,
// one level deep at most.
#include "mesh/wire/codec.hpp"

#include <google/protobuf/arena.h>

#include <array>
#include <cstddef>

#include "mesh/base/assert.hpp"
#include "mesh/core/node/numbers.hpp"
#include "mesh/core/records/hybrid_clock.hpp"
#include "mesh/wire/convert.hpp"
#include "proto/mesh/v1/envelope.pb.h"

namespace tulle::mesh {
static_assert(HybridClock::kLatest <= static_cast<std::uint64_t>(kMaxClockUs) / 2, "see HybridClock::kLatest");

namespace {

/// Owns the message objects of one envelope in an arena. A frame has an object for each record, and thousands of
/// records pass in a second. A small frame fits into the block on the stack, so no memory is allocated.
class Scratch {
public:
    template <class Message>
    [[nodiscard]] Message& make() {
        return *google::protobuf::Arena::CreateMessage<Message>(&arena_);
    }

private:
    static google::protobuf::ArenaOptions in(std::array<char, 4096>& block) {
        google::protobuf::ArenaOptions options;
        options.initial_block = block.data();
        options.initial_block_size = block.size();
        return options;
    }

    alignas(std::max_align_t) std::array<char, 4096> block_;
    google::protobuf::Arena arena_{in(block_)};
};

/// The versions accepted by parse(), both included.
struct Versions {
    std::uint32_t oldest;
    std::uint32_t newest;
};

/// Parses an envelope and checks the parts common to all messages. An oid of zero names nobody, so a sender without an
/// oid is malformed.
template <class Envelope>
Result<void, CodecError> parse(std::string_view bytes, Versions known, Envelope& envelope) {
    // Checked first, because the parser allocates in proportion to the bytes.
    if (bytes.size() > kMaxMessageBytes) {
        return CodecError::kLimit;
    }
    if (!envelope.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
        return CodecError::kMalformed;
    }
    // A foreign version is told apart from garbage, so an operator can see a mixed cluster.
    if (envelope.protocol() < known.oldest || envelope.protocol() > known.newest) {
        return CodecError::kUnknownProtocol;
    }
    if (envelope.src() == 0) {
        return CodecError::kMalformed;
    }
    return {};
}

}  // namespace

const char* to_text(CodecError error) {
    switch (error) {
        case CodecError::kMalformed:
            return "malformed";
        case CodecError::kUnknownProtocol:
            return "unknown protocol version";
        case CodecError::kUnknownBody:
            return "unknown kind of message";
        case CodecError::kLimit:
            return "over a limit";
    }
    return "?";
}

std::string wire::encode_in(const Control& message, std::uint32_t protocol) {
    TULLE_ASSERT(protocol >= kOldestProtocolVersion && protocol <= kProtocolVersion);
    v1::ControlEnvelope envelope;
    // The envelope's version never changes, so that nodes of any two versions can exchange their introductions. The
    // version of the session decides only about the body.
    envelope.set_protocol(kControlVersion);
    envelope.set_src(message.src.value);
    envelope.set_dst(message.dst.value);
    envelope.set_tag(message.tag.value);
    // Only kinds with differences between the versions take the version.
    const auto put_body = [&](const auto& body) {
        if constexpr (requires { wire::put(body, envelope, protocol); }) {
            wire::put(body, envelope, protocol);
        } else {
            wire::put(body, envelope);
        }
    };
    std::visit(put_body, message.body);
    return envelope.SerializeAsString();
}

std::string encode(const Control& message) {
    return wire::encode_in(message, message.protocol);
}

namespace {

void append_in(std::string& out, const Data& message, std::uint32_t protocol) {
    TULLE_ASSERT(protocol >= kOldestProtocolVersion && protocol <= kProtocolVersion);
    Scratch scratch;
    auto& envelope = scratch.make<v1::DataEnvelope>();
    envelope.set_protocol(protocol);
    envelope.set_src(message.src.value);
    envelope.set_dst(message.dst.value);
    envelope.set_tag(message.tag.value);
    // A tail names the last frame and record; a frame carries records.
    if (const auto* tail = std::get_if<Tail>(&message.body)) {
        envelope.mutable_tail()->set_last_sent(tail->last_sent.value);
        envelope.mutable_tail()->set_upto(tail->upto.value);
    } else {
        wire::put(*std::get<FramePtr>(message.body), *envelope.mutable_frame(), protocol);
    }
    envelope.AppendToString(&out);
}

}  // namespace

void append(std::string& out, const Data& message) {
    append_in(out, message, message.protocol);
}

std::string wire::encode_in(const Data& message, std::uint32_t protocol) {
    std::string bytes;
    append_in(bytes, message, protocol);
    return bytes;
}

std::string encode(const Data& message) {
    return wire::encode_in(message, message.protocol);
}

namespace {

Result<Control, CodecError> decode_control(std::string_view bytes, bool relay_allowed, std::uint64_t& skipped) {
    v1::ControlEnvelope envelope;
    if (const auto parsed = parse(bytes, {kControlVersion, kControlVersion}, envelope); !parsed) {
        return parsed.error();
    }
    // decode_inner_control() allows no second level.
    if (envelope.has_relay() && !relay_allowed) {
        return CodecError::kLimit;
    }
    // Counted before get_control() moves parts out of the envelope.
    const std::uint64_t unknown = wire::unknown_fields(envelope);
    Result<ControlBody, CodecError> body = wire::get_control(envelope, skipped);
    if (!body) {
        return body.error();
    }
    // Only a message actually read counts its unknown fields.
    skipped += unknown;
    return Control{OriginId{envelope.src()}, OriginId{envelope.dst()}, SessionTag{envelope.tag()}, std::move(*body)};
}

}  // namespace

Result<Control, CodecError> decode_control(std::string_view bytes, std::uint64_t& skipped) {
    return decode_control(bytes, true, skipped);
}

Result<Control, CodecError> decode_control(std::string_view bytes) {
    std::uint64_t skipped = 0;
    return decode_control(bytes, true, skipped);
}

Result<Control, CodecError> wire::decode_inner_control(std::string_view bytes, std::uint64_t& skipped) {
    return decode_control(bytes, false, skipped);
}

Result<Data, CodecError> decode_data(std::string_view bytes) {
    std::uint64_t skipped = 0;
    return decode_data(bytes, skipped);
}

Result<Data, CodecError> decode_data(std::string_view bytes, std::uint64_t& skipped) {
    Scratch scratch;
    auto& envelope = scratch.make<v1::DataEnvelope>();
    if (const auto parsed = parse(bytes, {kOldestProtocolVersion, kProtocolVersion}, envelope); !parsed) {
        return parsed.error();
    }
    Data data{OriginId{envelope.src()}, OriginId{envelope.dst()}, SessionTag{envelope.tag()}, {}, envelope.protocol()};
    const std::uint64_t unknown = wire::unknown_fields(envelope);
    if (envelope.has_tail()) {
        if (envelope.tail().last_sent() > kMaxNumber || envelope.tail().upto() > kMaxNumber) {
            return CodecError::kLimit;
        }
        data.body = Tail{FrameNo{envelope.tail().last_sent()}, RecordNo{envelope.tail().upto()}};
        skipped += unknown;
        return data;
    }
    // Neither a frame nor a tail: a kind of message from a newer node.
    if (!envelope.has_frame()) {
        return CodecError::kUnknownBody;
    }
    Result<FramePtr, CodecError> frame = wire::get_frame(*envelope.mutable_frame());
    if (!frame) {
        return frame.error();
    }
    data.body = std::move(*frame);
    skipped += unknown;
    return data;
}

std::string topic_of(OriginId oid) {
    std::string topic;
    topic.reserve(kTopicBytes);
    return topic.append("N").append(to_hex(oid));
}

std::optional<OriginId> oid_of_topic(std::string_view topic) {
    if (topic.empty() || topic.front() != 'N') {
        return std::nullopt;
    }
    return origin_from_hex(topic.substr(1));
}

}  // namespace tulle::mesh
