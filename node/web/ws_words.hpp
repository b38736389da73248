#pragma once

#include <cstdint>
#include <string_view>

/// The codes, texts and frames with which a WsConnection ends, whatever its handler says.
namespace tulle::node {

inline constexpr std::uint16_t kTooLargeCode = 1009;
inline constexpr std::string_view kTooLargeReason = "The message is too large";
// Close, 1007: what cannot be decompressed is no text
inline constexpr std::string_view kCorruptFrame = "\x88\x02\x03\xef";
inline constexpr std::string_view kTooLargeFrame = "\x88\x02\x03\xf1";       // Close, 1009, as Beast writes it
inline constexpr std::string_view kProtocolErrorFrame = "\x88\x02\x03\xea";  // Close, 1002
inline constexpr std::string_view kGatewayFrame = "\x88\x02\x03\xf6";        // Close, 1014
inline constexpr std::uint16_t kFloodCode = 1008;
inline constexpr std::string_view kFloodReason = "Too many fragments or control frames";

}  // namespace tulle::node
