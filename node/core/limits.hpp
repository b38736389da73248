#pragma once

#include <cstddef>
#include <cstdint>

#include "mesh/base/time.hpp"

/// The limits that all protocols of the edge share, each with its reason and its consequence.
namespace tulle::node {

// ---- names ----

/// Bytes of a node's name. The name stands in tables and headers. A longer name is a configuration error.
inline constexpr std::size_t kMaxNodeNameBytes = 64;

// ---- addresses ----

/// Connections of a single address to a node, unless configured otherwise: 0 means no limit, because all clients share
/// an address behind a proxy that is not configured as trusted. A connection past the configured limit is closed as
/// soon as accepted, and counted.
inline constexpr std::size_t kDefaultConnectionsPerAddress = 0;
/// The same limit once trusted proxies are configured, because the node then tells the clients behind a proxy apart.
/// 1,000 leaves room for a company or a carrier behind one IPv4 address, and keeps a single machine from taking a whole
/// node. A WebSocket past the limit is answered with 429.
inline constexpr std::size_t kConnectionsPerForwardedAddress = 1'000;
/// The greatest limit that the configuration accepts.
inline constexpr std::size_t kMaxConnectionsPerAddress = 1'000'000;
/// Wrong signatures of a public address in a minute, unless configured otherwise. Further wrong signatures get 429
/// instead of 401, and the HTTP connection ends. A right signature is always accepted, whatever came from the address
/// before.
inline constexpr std::size_t kDefaultAuthFailuresPerMinute = 10;
/// The greatest limit that the configuration accepts.
inline constexpr std::size_t kMaxAuthFailuresPerMinute = 1'000'000;
/// The minute of kDefaultAuthFailuresPerMinute. The window begins with the first wrong signature.
inline constexpr Duration kAuthFailureWindow = 60s;
/// Addresses with remembered wrong signatures (1 MiB). Past the limit the node forgets the address with the oldest last
/// failure.
inline constexpr std::size_t kMaxFailingAddresses = 10'000;

// ---- trusted proxies ----

/// Ranges of trusted proxies; more are a configuration error. Each connection, and each address that a proxy names, is
/// compared with all of them. The longest list that a provider publishes has some hundred ranges.
inline constexpr std::size_t kMaxTrustedProxies = 256;
/// Bytes of a header of the PROXY protocol, version 1, with the end of its line: the longest line that the protocol
/// allows. A connection with a longer line is closed and counted.
inline constexpr std::size_t kMaxProxyLineBytes = 107;
/// Bytes of a header of the PROXY protocol, version 2: two addresses (216 at most) and additional fields, such as the
/// name of a certificate. nginx has the same limit. A connection with a longer header is closed and counted.
inline constexpr std::size_t kMaxProxyHeaderBytes = 4u << 10;
/// Time from the accept to the end of the header of the PROXY protocol. As long as a new connection may stay without a
/// request. A later connection is closed and counted.
inline constexpr Duration kProxyHeaderTimeout = 5s;
/// The same time once the node is stopping, counted from the stop. A proxy may have just connected to send a request.
inline constexpr Duration kProxyHeaderDrainTimeout = 1s;
/// Time between two lines in the log about connections that the PROXY protocol was expected of; of each node.
inline constexpr Duration kProxyLogInterval = 60s;
/// Time between two lines in the log about addresses with too many wrong signatures; of each node.
inline constexpr Duration kThrottleLogInterval = 1s;

// ---- connections and memory of a node ----

/// The least and the greatest max_connections. The default is the number that the descriptors allow
/// (max_connections_of). A further WebSocket gets 503 with Retry-After, and the node is not ready. For a further
/// connection of any kind an idle HTTP connection makes way; without an idle connection the newcomer is answered 503
/// and closed.
inline constexpr std::size_t kMinConnections = 16;
inline constexpr std::size_t kMaxConnections = 10'000'000;
/// Percent of the greatest number of clients. A full node takes clients again when the number has fallen to that part,
/// so that balancers do not flap.
inline constexpr std::size_t kReopenPercent = 98;
/// HTTP connections of the admin listener. For a further connection an idle connection makes way. Descriptors for all
/// of them are reserved (reserved_descriptors).
inline constexpr std::size_t kMaxAdminConnections = 72;
/// Time between two measurements of memory.
inline constexpr Duration kMemoryInterval = 100ms;
/// The least memory held for a client that is closed for want of memory. Closing a client with less would free next to
/// nothing.
inline constexpr std::size_t kMinShedBytes = 32u << 10;
/// Time for a client to read the reason when a node closes the client for want of memory. Then the socket is reset,
/// because the buffers of the kernel count as well.
inline constexpr Duration kShedTimeout = 500ms;

// ---- WebSocket connections ----

/// Bytes waiting for a client, unless configured otherwise. A client with more is too slow: closed with 4100 and
/// counted.
inline constexpr std::size_t kMaxOutboxBytes = 1u << 20;
/// Room beyond kMaxOutboxBytes for the frames that close a connection.
inline constexpr std::size_t kOutboxReserveBytes = 4u << 10;
/// Time for a blocked client to take the bytes that were waiting. After that time the client is closed with 4100 and
/// counted.
inline constexpr Duration kWriteTimeout = 10s;
/// Time for the peer to answer the node's Close frame. Then the connection is cut.
inline constexpr Duration kCloseTimeout = 5s;
/// Time for a peer to read the node's last words before the socket is closed.
inline constexpr Duration kLingerTimeout = 2s;
/// Bytes of the peer that are read and thrown away during that time. A peer that sends more is closed at once.
inline constexpr std::size_t kLingerBytes = 4u << 20;

// ---- TLS ----

/// TLS handshakes of a shard that are under way at once; each holds some 50 KB. A further newcomer waits for its turn
/// before the node does any work for the newcomer.
inline constexpr std::size_t kMaxTlsHandshakes = 64;
/// Time for the first byte of a newcomer, and again for the handshake from its beginning on. After that the connection
/// is closed and counted.
inline constexpr Duration kTlsHandshakeTimeout = 5s;
/// While newcomers wait for their turn, a handshake whose peer has sent nothing for this time makes way: peers that
/// stay silent must not keep others out for kTlsHandshakeTimeout.
inline constexpr Duration kTlsHandshakePatience = 1s;
/// Time of a turn for steps of handshakes; a single step may take longer (a signature by a large RSA key). The rest
/// waits for the next turns, so that a storm of newcomers does not hold up those who are connected.
inline constexpr Duration kTlsTurnTime = 2ms;
/// Bytes of plain text in a record (RFC 8446, 5.1).
inline constexpr std::size_t kTlsRecordBytes = 16u << 10;
/// Bytes that are encrypted for a client at once. More wait as plain text: a client that takes nothing costs no more
/// encryption, and is judged by its outbox. Three records with what TLS adds to them lie in a slab.
inline constexpr std::size_t kTlsSealBytes = 3 * kTlsRecordBytes;

// ---- queues ----

/// Messages from the hub that wait for a shard. When the mailbox is full, the hub declares a gap.
inline constexpr std::size_t kShardMailboxItems = 16'384;
/// Bytes of encoded frames in a slab. A larger frame gets a slab of its own.
inline constexpr std::size_t kSlabBytes = 64u << 10;
/// Bytes of a channel's messages that are queued for the subscribers in a single step (a run). Less than the smallest
/// outbox, so a run always fits into the outbox of a client that has taken everything.
inline constexpr std::size_t kMaxRunBytes = 32u << 10;
/// A piece in an outbox may keep up to this many bytes of a slab in place for each byte of the piece. A smaller piece
/// is copied out.
inline constexpr std::size_t kMaxPinFactor = 4;
/// The last pieces of an outbox, which are never copied out: other outboxes are about to be written from the same
/// slabs.
inline constexpr std::size_t kRecentPieces = 4;
/// Bytes of a slab for the pieces that are copied out of an outbox's slabs.
inline constexpr std::size_t kCopySlabBytes = kSlabBytes / kMaxPinFactor;
/// Free slabs that a shard keeps for use again.
inline constexpr std::size_t kSpareSlabs = 16;
/// The most handlers of a turn after the first. Then the bytes that the handlers have queued are flushed.
inline constexpr std::size_t kMaxPolls = 512;
/// Time for the handlers of a turn; then the flush comes even before kMaxPolls. A hub on the shard's thread has its
/// turn after the handlers, and peers take a node for dead after a second of silence.
inline constexpr Duration kTurnTime = 10ms;
/// Handlers between two looks at the clock for kTurnTime.
inline constexpr std::size_t kPollsPerLook = 4;
/// Handlers that run in a row, either for messages of an earlier read or for other ready work, before the other kind
/// has its turn. Asking the kernel for other ready work is a system call, and a single read brings some ten messages of
/// 100 bytes.
inline constexpr std::size_t kHandlersInARow = 16;
/// After this many turns in a row with a single handler, a turn ends after its first handler.
inline constexpr std::size_t kSoloTurns = 16;
/// Of such turns one in this many looks for further handlers all the same.
inline constexpr std::size_t kSoloTurnsPerLook = 8;
/// Connections that are written to in a turn; the others wait for the next turns. 256 sends take some 2 ms.
inline constexpr std::size_t kMaxWrites = 256;
/// Time between two attempts to hand messages over while the hub's mailbox is full.
inline constexpr Duration kHubRetryInterval = 1ms;
/// Pause after a failed accept, mostly for want of descriptors. The pause doubles with each further failure.
inline constexpr Duration kAcceptBackoffMin = 10ms;
/// The longest pause after a failed accept: a fraction of the second that health checks commonly wait.
inline constexpr Duration kAcceptBackoffMax = 100ms;
/// Connections that one newcomer may end when the process has no descriptor. More than one, because another thread may
/// take the descriptor of the first.
inline constexpr std::size_t kMaxEndedForAccept = 4;
/// Time between two lines of the log about failed accepts of a listener: a crowd must not fill the log.
inline constexpr Duration kAcceptLogInterval = 60s;

}  // namespace tulle::node
