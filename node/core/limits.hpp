#pragma once

#include <cstddef>
#include <cstdint>

#include "mesh/base/time.hpp"

/// Every limit that the protocols of the edge share, with its reason and with what happens past it.
namespace tulle::node {

// ---- names ----

inline constexpr std::size_t kMaxNodeNameBytes = 64;  ///< shown in tables and headers; longer: configuration error

// ---- addresses ----

/// Connections of one address to one node, unless configured otherwise: no limit, as behind a proxy, which is what
/// speaks TLS, all clients share an address. One more than configured: closed as soon as accepted, and counted.
inline constexpr std::size_t kDefaultConnectionsPerAddress = 0;
inline constexpr std::size_t kMaxConnectionsPerAddress = 1'000'000;
/// Wrong signatures of one public address in a minute, unless configured otherwise. More wrong ones: 429 instead of
/// 401, and the HTTP connection ends. A right signature is accepted whatever came from the address before.
inline constexpr std::size_t kDefaultAuthFailuresPerMinute = 10;
inline constexpr std::size_t kMaxAuthFailuresPerMinute = 1'000'000;
inline constexpr Duration kAuthFailureWindow = 60s;
/// remembered (1 MiB); more: the one that failed longest ago is forgotten
inline constexpr std::size_t kMaxFailingAddresses = 10'000;

// ---- what a node may have ----

/// The least and the greatest max_connections. The default is what the descriptors allow (max_connections_of). One more
/// WebSocket: 503 with Retry-After, and the node is not ready; one more of any kind: an idle HTTP connection makes way,
/// or the new one is answered 503 and closed.
inline constexpr std::size_t kMinConnections = 16;
inline constexpr std::size_t kMaxConnections = 10'000'000;
/// A node that was full takes clients again when so many have gone of each hundred, so that balancers do not flap.
inline constexpr std::size_t kReopenPercent = 98;
/// HTTP connections of the admin listener; one more: an idle one makes way. Their descriptors are reserved.
inline constexpr std::size_t kMaxAdminConnections = 64;
inline constexpr Duration kMemoryInterval = 100ms;  ///< between two measurements of memory
/// Clients for which less waits are not closed for want of memory: it would free next to nothing.
inline constexpr std::size_t kMinShedBytes = 32u << 10;
/// For a client closed for want of memory to read why. Then the socket is reset, as the kernel's buffers count as well.
inline constexpr Duration kShedTimeout = 500ms;

// ---- WebSocket connections ----

/// Bytes waiting for one client. More: it is too slow, closed with 4100 and counted.
inline constexpr std::size_t kMaxOutboxBytes = 1u << 20;
/// Room kept beyond kMaxOutboxBytes for the frames that close a connection.
inline constexpr std::size_t kOutboxReserveBytes = 4u << 10;
/// What waits for a client must be taken by it within this time. Otherwise: closed with 4100 and counted.
inline constexpr Duration kWriteTimeout = 10s;
/// for the peer's answer to our Close frame, then the socket is shut
inline constexpr Duration kCloseTimeout = 5s;
inline constexpr Duration kLingerTimeout = 2s;  ///< for a peer to read our last words before the socket is closed
inline constexpr std::size_t kLingerBytes = 4u << 20;  ///< read and thrown away meanwhile; more: closed at once

// ---- queues ----

inline constexpr std::size_t kShardMailboxItems = 16'384;  ///< from the hub; full: the hub declares a gap
inline constexpr std::size_t kSlabBytes = 64u << 10;       ///< of encoded frames; a larger frame gets a slab of its own
/// Messages of one channel that are queued for its subscribers in one step. Less than the smallest outbox: a client
/// that has taken everything so far never finds its own too small for one of them.
inline constexpr std::size_t kMaxRunBytes = 32u << 10;
/// Bytes of a slab that a piece in an outbox may keep in place for each of its own. A smaller piece is copied out.
inline constexpr std::size_t kMaxPinFactor = 4;
/// The last pieces of an outbox, which are not copied out: others are about to be written from the same slabs.
inline constexpr std::size_t kRecentPieces = 4;
/// for what was copied out of an outbox's slabs
inline constexpr std::size_t kCopySlabBytes = kSlabBytes / kMaxPinFactor;
inline constexpr std::size_t kSpareSlabs = 16;  ///< kept for use again in each shard
inline constexpr std::size_t kMaxPolls = 512;   ///< handlers run before what they queued is flushed …
/// … or until they have taken so long. A hub on the shard's thread has its turn after that, and its peers take a node
/// for dead that is silent for a second.
inline constexpr Duration kTurnTime = 10ms;
inline constexpr std::size_t kPollsPerLook = 4;  ///< handlers between two looks at the clock for that
/// Handlers that run one after the other, either for what came with an earlier read or for what else is ready, before
/// the others have their turn. To ask the kernel what else is ready is a system call, and one read brings some ten
/// messages of 100 bytes.
inline constexpr std::size_t kHandlersInARow = 16;
/// Connections written to in a turn; the others in the next ones. Some 2 ms of sends.
inline constexpr std::size_t kMaxWrites = 256;
inline constexpr Duration kHubRetryInterval = 1ms;   ///< between attempts while the hub's mailbox is full
inline constexpr Duration kAcceptBackoffMin = 10ms;  ///< after a failed accept (no descriptors left), doubling …
inline constexpr Duration kAcceptBackoffMax = 1s;    ///< … up to this

}  // namespace tulle::node
