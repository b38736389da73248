#pragma once

#include <cstdint>
#include <string_view>

/// The codes, texts and frames with which a WsConnection ends by itself. The handler's own words are not among them. A
/// frame is written as its bytes: 0x88 is FIN with the opcode of Close, 0x02 the length, then the code (RFC 6455, 7.4).
namespace tulle::node {

/// For a message of more bytes than the connection's `max_message`.
inline constexpr std::uint16_t kTooLargeCode = 1009;
inline constexpr std::string_view kTooLargeReason = "The message is too large";
/// Close, 1007, for a message that cannot be decompressed: such data are no text.
inline constexpr std::string_view kCorruptFrame = "\x88\x02\x03\xef";
/// Close, 1009, exactly as Beast writes the frame. WsConnection recognises Beast's answer to a large message by these
/// bytes.
inline constexpr std::string_view kTooLargeFrame = "\x88\x02\x03\xf1";
/// Close, 1002, exactly as Beast writes the frame.
inline constexpr std::string_view kProtocolErrorFrame = "\x88\x02\x03\xea";
/// Close, 1014, the answer to a client's Close with 1014.
inline constexpr std::string_view kGatewayFrame = "\x88\x02\x03\xf6";
/// For a client that exceeds kMaxFragments or kMaxControlFrames (FrameGuard).
inline constexpr std::uint16_t kFloodCode = 1008;
inline constexpr std::string_view kFloodReason = "Too many fragments or control frames";

}  // namespace tulle::node
