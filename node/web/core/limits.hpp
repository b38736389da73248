#pragma once

#include <cstddef>
#include <cstdint>

#include "mesh/base/time.hpp"

/// Every limit of HTTP and of WebSockets, with its reason and with the consequence of exceeding the limit.
namespace tulle::node {

// ---- WebSocket connections ----

/// Fragments of a message, the last fragment not counted. A client with more fragments is closed with 1008. Without the
/// limit, empty fragments could keep a message open for ever.
inline constexpr std::size_t kMaxFragments = 256;
/// Pings, pongs and Close frames of a single client in a second. A client that sends more is closed with 1008. Each
/// ping costs the node a pong.
inline constexpr std::size_t kMaxControlFrames = 100;
/// Time from the upgrade request to the end of the 101 answer. A slower client is cut without an answer.
inline constexpr Duration kHandshakeTimeout = 10s;

// ---- HTTP ----

/// Bytes of request line and fields together: as much as nginx passes on by default (33 KiB), and the fields that nginx
/// adds. Node.js passes 16 KiB. A larger head is refused with 431.
inline constexpr std::size_t kMaxHeaderBytes = 36u << 10;
/// Header fields of a request. HAProxy passes 101. A request with more fields is refused with 431.
inline constexpr std::size_t kMaxHeaderFields = 128;
/// Addresses of trusted proxies that are looked at in the header that names a request's client. Chains of proxies have
/// two or three. Of a longer chain the last proxy looked at counts as the client.
inline constexpr std::size_t kMaxForwardedHops = 32;
/// Bytes of the body of any request, unless the service sets a lower limit (HttpService::max_body): 1,000 KB of an
/// event with JSON escapes. A larger body is refused with 413.
inline constexpr std::size_t kMaxHttpBodyBytes = 2u << 20;
/// How long a node that moves its clients or stops waits for the next request on a kept HTTP connection, counted from
/// the last use or from the beginning of the connection. A proxy may have just sent a request, and could not tell
/// whether the request was served when the connection ended.
inline constexpr Duration kHttpDrainPatience = 1s;
/// Bytes of the body of a request without need of a body, such as the GET of a health check. The body is ignored. A
/// larger body is refused with 413.
inline constexpr std::size_t kMaxIgnoredBodyBytes = 8u << 10;
/// Bytes read ahead for a request, the headers of chunks included. The limit is reached only when a single chunk header
/// fills the buffer; such a request is refused with 400.
inline constexpr std::size_t kHttpBufferBytes = 64u << 10;
/// Bytes of the target of a request. RFC 9112, 3, asks for at least 8,000 bytes. A longer target is refused with 414.
inline constexpr std::size_t kMaxTargetBytes = 8u << 10;
/// How long a new connection may stay without a request. After that the connection is closed silently.
inline constexpr Duration kHttpSilenceTimeout = 5s;
/// Time for a whole request, counted from the first byte of the request. A slower request is answered with 408.
inline constexpr Duration kHttpRequestTimeout = 10s;
/// How long a kept connection may be idle between two requests. After that the connection is closed silently. The time
/// is longer than proxies keep theirs idle (60 s of nginx and AWS, 90 s of Go, 600 s of Google, 900 s of Cloudflare),
/// so that no proxy sends a request while the node closes the connection; only a node that stops ends it sooner
/// (kHttpDrainPatience). An idle connection costs no buffers, and
/// makes way for a new connection when the room is full (HttpRoom).
inline constexpr Duration kHttpIdleTimeout = 920s;
/// Time for the node to make an answer, and again for the peer to take the answer. After that the connection is closed.
inline constexpr Duration kHttpAnswerTimeout = 15s;

}  // namespace tulle::node
