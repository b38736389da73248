#pragma once

#include <cstddef>
#include <cstdint>

#include "mesh/base/time.hpp"

/// Every limit of HTTP and of WebSockets, with its reason and with what happens past it.
namespace tulle::node {

// ---- WebSocket connections ----

inline constexpr std::size_t kMaxFragments = 256;  ///< of one message; more: close 1008
/// pings, pongs and closes of one client in a second; more: close 1008
inline constexpr std::size_t kMaxControlFrames = 100;
inline constexpr Duration kHandshakeTimeout = 10s;  ///< from the upgrade request to the end of the 101 answer

// ---- HTTP ----

/// Request line and fields: what nginx passes on by default (33 KiB), and what it adds. Node.js passes 16 KiB. More:
/// 431.
inline constexpr std::size_t kMaxHeaderBytes = 36u << 10;
inline constexpr std::size_t kMaxHeaderFields = 128;  ///< HAProxy passes 101; more: 431
/// Of any request, unless its service wants less: 1,000 KB of an event with JSON escapes. More: 413.
inline constexpr std::size_t kMaxHttpBodyBytes = 2u << 20;
/// Of a stopping node for the next request on a kept HTTP connection that has been used or made within this time: a
/// proxy may have sent one just now, and could not tell whether it was served when the connection ended.
inline constexpr Duration kHttpDrainPatience = 1s;
/// Of a request that needs no body and is answered whatever its body says, such as a check's GET; more: 413.
inline constexpr std::size_t kMaxIgnoredBodyBytes = 8u << 10;
/// read ahead per request, chunk headers included; more: 400
inline constexpr std::size_t kHttpBufferBytes = 64u << 10;
/// of a request: RFC 9112, 3, asks for 8,000 bytes; more: 414
inline constexpr std::size_t kMaxTargetBytes = 8u << 10;
inline constexpr Duration kHttpSilenceTimeout = 5s;   ///< of a new connection; closed silently
inline constexpr Duration kHttpRequestTimeout = 10s;  ///< for a whole request from its first byte; 408
/// Between two requests of a kept connection; closed silently. Longer than proxies keep theirs (60 s of nginx and AWS,
/// 90 s of Go, 600 s of Google, 900 s of Cloudflare), so that none of them sends a request while we close: what is idle
/// costs no buffers, and makes way for new connections when there is no room (HttpRoom).
inline constexpr Duration kHttpIdleTimeout = 920s;
inline constexpr Duration kHttpAnswerTimeout = 15s;  ///< for our own answer, and for the peer to take it; closed

}  // namespace tulle::node
