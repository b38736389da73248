#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mesh/base/result.hpp"
#include "mesh/core/node/messages.hpp"
#include "mesh/core/node/numbers.hpp"

/// The messages of the mesh as bytes: Protocol Buffers, checked against hard limits when decoded. Pure functions; any
/// thread.
namespace tulle::mesh {

/// The reasons for a message not to be decoded. Every reason is the sender's fault or the sender's version, never ours.
enum class CodecError {
    /// Not a message of this mesh.
    kMalformed,
    /// A protocol version unknown to this build.
    kUnknownProtocol,
    /// A kind of message unknown to this build, sent by a newer node. The caller skips the message.
    kUnknownBody,
    /// A count, a number or a length beyond its limit.
    kLimit,
};

/// The error in words, for a log line.
[[nodiscard]] const char* to_text(CodecError error);

/// The largest reading accepted from a peer's monotonic clock, in microseconds: 36,000 years. Beyond: kLimit.
inline constexpr std::int64_t kMaxClockUs = std::int64_t{1} << 60;

/// The largest message on the wire: a frame of records, one more maximal record, and the headers. A frame ends with the
/// record passing its soft limit, hence the additional record. A refused message would be repeated for ever, so senders
/// stay well below. Beyond: kLimit, and libzmq ends the connection.
inline constexpr std::size_t kMaxMessageBytes = (256u << 10) + (1u << 20) + (64u << 10);

/// The bytes of a message, in the version message.protocol. REQUIRES: kOldestProtocolVersion <= message.protocol <=
/// kProtocolVersion.
[[nodiscard]] std::string encode(const Control& message);
[[nodiscard]] std::string encode(const Data& message);
/// Appends the bytes of a message to `out`, so that a caller can reuse the memory.
void append(std::string& out, const Data& message);

/// Decodes a message in any version from kOldestProtocolVersion to kProtocolVersion, whatever the session's version.
/// Fields unknown to this build come from a newer node: such fields are skipped, and their number is added to
/// `skipped`.
[[nodiscard]] Result<Control, CodecError> decode_control(std::string_view bytes, std::uint64_t& skipped);
[[nodiscard]] Result<Data, CodecError> decode_data(std::string_view bytes, std::uint64_t& skipped);
[[nodiscard]] Result<Control, CodecError> decode_control(std::string_view bytes);
[[nodiscard]] Result<Data, CodecError> decode_data(std::string_view bytes);

/// The PUB/SUB topic for messages to `oid`. The length is fixed, so no topic is a prefix of another topic.
[[nodiscard]] std::string topic_of(OriginId oid);
/// "N" and sixteen hexadecimal digits.
inline constexpr std::size_t kTopicBytes = 17;
/// The node addressed by a topic; nothing for any other text.
[[nodiscard]] std::optional<OriginId> oid_of_topic(std::string_view topic);

}  // namespace tulle::mesh
