#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mesh/base/result.hpp"
#include "mesh/core/node/messages.hpp"

/// Messages as bytes: Protocol Buffers, checked against hard limits on the way in. Pure functions, any thread.
namespace tulle::mesh {

enum class CodecError {
    kMalformed,        ///< not a message of ours
    kUnknownProtocol,  ///< a version that this build does not speak
    kUnknownBody,      ///< a kind of message that this build does not know: a newer node has sent it. To be skipped
    kLimit,            ///< a count or a length over its limit
};

[[nodiscard]] const char* to_text(CodecError error);

/// No number of a peer that is counted on with (records, frames, versions, what somebody holds) is larger: sums and
/// differences of such numbers stay within 64 bits. Honest nodes don't come near it in a thousand years.
inline constexpr std::uint64_t kMaxNumber = std::uint64_t{1} << 53;
/// A peer's monotonic clock, in microseconds: 36,000 years.
inline constexpr std::int64_t kMaxClockUs = std::int64_t{1} << 60;

/// No message on the wire is larger: a frame of records, plus one maximal record that overshoots it, plus headers. What
/// a peer refuses would be sent again for ever, so senders keep well below.
inline constexpr std::size_t kMaxMessageBytes = (256u << 10) + (1u << 20) + (64u << 10);

/// Written in message.protocol. REQUIRES: kOldestProtocolVersion <= message.protocol <= kProtocolVersion.
[[nodiscard]] std::string encode(const Control& message);
[[nodiscard]] std::string encode(const Data& message);
/// Behind what is in `out`.
void append(std::string& out, const Data& message);

/// Every version from kOldestProtocolVersion to kProtocolVersion is read, whatever the session. Fields that this build
/// does not know are skipped, and counted in `skipped`: a newer node has sent them.
[[nodiscard]] Result<Control, CodecError> decode_control(std::string_view bytes, std::uint64_t& skipped);
[[nodiscard]] Result<Data, CodecError> decode_data(std::string_view bytes, std::uint64_t& skipped);
[[nodiscard]] Result<Control, CodecError> decode_control(std::string_view bytes);
[[nodiscard]] Result<Data, CodecError> decode_data(std::string_view bytes);

/// The PUB/SUB topic of what is for `oid`, and back; fixed length, so that no topic is a prefix of another.
[[nodiscard]] std::string topic_of(OriginId oid);
inline constexpr std::size_t kTopicBytes = 17;
[[nodiscard]] std::optional<OriginId> oid_of_topic(std::string_view topic);

}  // namespace tulle::mesh
