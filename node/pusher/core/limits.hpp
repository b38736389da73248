#pragma once

#include <cstddef>
#include <cstdint>

#include "mesh/base/time.hpp"

/// Every limit of the Pusher protocol, with its reason and with what happens past it.
namespace tulle::node {

// ---- names ----

/// part of the mesh's channel key; longer: configuration error
inline constexpr std::size_t kMaxAppIdBytes = 64;
/// What every Pusher SDK checks; an app may want shorter ones. Longer: subscription error, 400.
inline constexpr std::size_t kMaxChannelNameBytes = 200;
/// Code points, as SDKs count; an app may want fewer. So 800 bytes at most, within kClientMessageOverhead. More: 4301
/// or 400.
inline constexpr std::size_t kMaxEventNameCharacters = 200;

// ---- events ----

/// Of one HTTP publish, as Pusher, and what a record of the mesh holds; an app may want fewer. More: 400.
inline constexpr std::size_t kMaxPublishChannels = 100;
/// of one HTTP batch, unless the app says otherwise (as Pusher); more: 400
inline constexpr std::size_t kDefaultMaxBatchEvents = 10;
/// The most that an app may allow: all of a batch but its first event waits for room in the hub, unbounded otherwise.
inline constexpr std::size_t kMaxBatchEvents = 1000;
/// Of one event's data, unless the app says otherwise (the default of soketi and Sockudo). More: 413 or 4301.
inline constexpr std::size_t kDefaultMaxEventBytes = 100u << 10;
/// The most that an app may allow: a mesh body with its event name must hold it.
inline constexpr std::size_t kMaxEventBytes = 1000u << 10;
/// Of an event in a Pusher frame, its channel left out. Only bytes that came by another protocol can be longer, as
/// escapes or base64 make them so: instead of such an event, subscribers are told that one is missing (tulle:gap).
inline constexpr std::size_t kMaxEventTailBytes = 1u << 20;

/// Client events of one connection in a second, unless the app says otherwise (as Pusher); as many may come at once.
/// More: 4301, and the connection goes on.
inline constexpr std::size_t kDefaultClientEventsPerSecond = 10;
inline constexpr std::size_t kMaxClientEventsPerSecond = 100'000;  ///< the most that an app may allow; 0 is no limit

// ---- apps ----

inline constexpr std::size_t kMaxApps = 10'000;  ///< each reload reads and checks them all; more: configuration error
inline constexpr std::size_t kMaxAppFileBytes = 1u << 20;  ///< of one file of apps_dir; more: configuration error
inline constexpr std::size_t kMaxAppConnections = 1'000'000'000;  ///< the greatest max_connections; 0 is no limit
/// the greatest allowance of events or reads in a second; 0 is no limit
inline constexpr std::size_t kMaxAppRate = 1'000'000;
/// what the mesh carries of a node's uses; more: the greatest parts of limits
inline constexpr std::size_t kMaxToldUses = 256;
inline constexpr Duration kUseInterval = 1s;     ///< between two times that a node tells the others of its uses
inline constexpr Duration kReloadQuiet = 100ms;  ///< without a change in apps_dir before it is read again …
inline constexpr Duration kReloadPatience = 1s;  ///< … or so long after the first change

// ---- presence ----

/// Of the channel_data that a subscription brings: looked at before its signature is. Longer: status 4301.
inline constexpr std::size_t kMaxChannelDataBytes = 32u << 10;
/// of a user_id, which the mesh carries; longer: subscription error
inline constexpr std::size_t kMaxUserIdBytes = 256;
/// Users of one presence channel in the whole mesh, unless the app says otherwise (as Pusher). One more: status 4100.
inline constexpr std::size_t kDefaultMaxPresenceMembers = 100;
/// The most that an app may allow: each new subscriber is sent the whole list.
inline constexpr std::size_t kMaxPresenceMembers = 10'000;
/// Bytes of a user_info, unless the app says otherwise (as soketi and Sockudo). More: status 4301.
inline constexpr std::size_t kDefaultMaxPresenceMemberBytes = 2u << 10;
/// The most that an app may allow: with the id it must fit into the mesh's 16 KiB.
inline constexpr std::size_t kMaxPresenceMemberBytes = 14u << 10;

// ---- users ----

inline constexpr std::size_t kMaxSignInIdCharacters = 128;  ///< of a user who signs in, as Pusher; longer: 4009, or 400
/// … and no more than the mesh carries in the name of the user's channel
inline constexpr std::size_t kMaxSignInIdBytes = 236;
/// Of user_data, of which a connection keeps id and user_info; looked at before its signature is. More: 4009.
inline constexpr std::size_t kMaxUserDataBytes = 32u << 10;
/// Users whose coming and going one user is told of, as Pusher: each is an entry in the mesh. Of more the first so many
/// are watched, and 4302 tells.
inline constexpr std::size_t kMaxWatchlist = 100;

// ---- cache channels ----

/// of a channel's last event, unless the app says otherwise (as Pusher)
inline constexpr Duration kDefaultCacheTtl = 30min;
inline constexpr Duration kMaxCacheTtl = 24h;  ///< the most that an app may allow: what the mesh keeps

// ---- WebSocket connections ----

/// Room of a client's message beside its data: channel, event, auth, and JSON around them.
inline constexpr std::size_t kClientMessageOverhead = 8u << 10;
/// A client event that is larger than its app allows is told so (4301) on a connection that goes on, up to so many
/// times the app's max_event_bytes, and at least kMinFrameDataBytes, and kClientMessageOverhead. A message past that is
/// not held: close 1009.
inline constexpr std::size_t kFrameFactor = 4;
inline constexpr std::size_t kMinFrameDataBytes = 256u << 10;
/// The greatest message that clients of an app may send.
[[nodiscard]] constexpr std::size_t max_frame_bytes(std::size_t max_event_bytes) {
    const std::size_t data = kFrameFactor * max_event_bytes;
    return (data < kMinFrameDataBytes ? kMinFrameDataBytes : data) + kClientMessageOverhead;
}
/// A client that wants more channels than this on one connection gets a subscription error.
inline constexpr std::size_t kMaxChannelsPerConnection = 10'000;
/// Subscriptions and their ends that one connection may ask for at once: all that it may hold, as a client does that
/// has reconnected …
inline constexpr std::size_t kSubscriptionBurst = kMaxChannelsPerConnection;
/// … and in a second from then on: each first and last one is told to every node. More: nothing is refused, but the
/// connection is read no further until it has kSubscriptionPause of them again, and that is counted.
inline constexpr std::size_t kSubscriptionsPerSecond = 1000;
inline constexpr Duration kSubscriptionPause = 200ms;
/// JSON nesting of client frames and HTTP bodies, as PHP reads it by default: the parser recurses, some 300 bytes a
/// level.
/// Deeper: refused before anything recurses further.
inline constexpr std::size_t kMaxJsonDepth = 512;
/// Told to the clients: silence after which they ping. Proxies end a WebSocket over which nothing comes for 50 s
/// (HAProxy as Debian configures it), 60 s (nginx, AWS) or 100 s (Cloudflare); clients that ping after 30 s live behind
/// all of them, as with soketi and Reverb, and those that do not ping are pinged at patience_of(30 s), which is less
/// than 50 s, too.
inline constexpr Duration kActivityTimeout = 30s;
/// After so long without a word from the client, or without a word to it but broadcasts, the server pings: later than
/// clients, so that one of the two does.
[[nodiscard]] constexpr Duration patience_of(Duration activity) {
    return activity + activity / 2;
}
inline constexpr Duration kPongTimeout = 30s;  ///< silence after that ping: close 4201
/// A connection without a subscription that says nothing but pings and pongs is of no use: close 4202.
inline constexpr Duration kIdleTimeout = 24h;

// ---- HTTP ----

/// Parameters of a query, of which the protocol knows nine: what comes before a signature is checked stays cheap. More:
/// 400.
inline constexpr std::size_t kMaxQueryParameters = 32;
/// Hashed to find out which of its renderings a request was signed by: as much as for a channel_data. What an official
/// SDK signs has 1 KiB at most, and is among the first few. A rendering that is not come to does not match: 401.
inline constexpr std::size_t kMaxSignedTextBytes = 32u << 10;
/// Members of one JSON object that is looked into, of which the protocol knows six: a hash table of the JSON library
/// holds them, whose hash a stranger can find collisions for. More: refused like text that is no object.
inline constexpr std::size_t kMaxJsonMembers = 64;
/// for the other nodes' part of a read; then a partial answer
inline constexpr Duration kClusterReadTimeout = 1s;
inline constexpr Duration kMaxClockSkew = 600s;  ///< between auth_timestamp and our clock; more: 401

}  // namespace tulle::node
