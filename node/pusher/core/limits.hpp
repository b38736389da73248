#pragma once

#include <cstddef>
#include <cstdint>

#include "mesh/base/time.hpp"

/// The limits of the Pusher protocol, each with the reason for its value and with the consequence of exceeding the
/// limit. Four-digit numbers are close codes or error codes of the Pusher protocol; three-digit numbers are HTTP
/// statuses.
namespace tulle::node {

// ---- names ----

/// The id is a part of the channel's key in the mesh. A longer id is a configuration error.
inline constexpr std::size_t kMaxAppIdBytes = 64;
/// The limit that every Pusher SDK checks; an app may set a shorter limit. A longer name is answered with a
/// subscription error or with 400.
inline constexpr std::size_t kMaxChannelNameBytes = 200;
/// In code points, as SDKs count; an app may set a smaller limit. 200 code points are 800 bytes at most, which fit into
/// kClientMessageOverhead. A longer name is refused with 4301 or 400.
inline constexpr std::size_t kMaxEventNameCharacters = 200;

// ---- events ----

/// Channels of a single HTTP publish, as with Pusher; a record of the mesh holds no more. An app may set a smaller
/// limit. More channels are refused with 400.
inline constexpr std::size_t kMaxPublishChannels = 100;
/// Events of a single HTTP batch, unless the app's configuration says otherwise; the default is Pusher's. A larger
/// batch is refused with 400.
inline constexpr std::size_t kDefaultMaxBatchEvents = 10;
/// The greatest batch that an app may allow. All events of a batch but the first wait for room in the hub, and without
/// this limit any number of events would wait.
inline constexpr std::size_t kMaxBatchEvents = 1000;
/// Data of a single event, unless the app's configuration says otherwise; the default of soketi and Sockudo. Larger
/// data are refused with 413 or 4301.
inline constexpr std::size_t kDefaultMaxEventBytes = 100u << 10;
/// The greatest limit for data that an app may set: a mesh body must hold the data together with the name of the event.
inline constexpr std::size_t kMaxEventBytes = 1000u << 10;
/// An event in a Pusher frame, without the channel. An event of the Pusher protocol is never longer. Bytes that came by
/// another protocol can be, as escapes or base64 lengthen them; subscribers are then told of a missing event
/// (tulle:gap) in place of the event.
inline constexpr std::size_t kMaxEventTailBytes = 1u << 20;

/// Client events of a single connection in a second, unless the app's configuration says otherwise; the default is
/// Pusher's. A second's worth may come at once. Further client events are refused with 4301; the connection goes on.
inline constexpr std::size_t kDefaultClientEventsPerSecond = 10;
/// The greatest limit an app may set; 0 is no limit.
inline constexpr std::size_t kMaxClientEventsPerSecond = 100'000;

// ---- apps ----

/// Each reload reads and checks all apps. More apps are a configuration error.
inline constexpr std::size_t kMaxApps = 10'000;
/// Of a single file of apps_dir; a larger file is a configuration error.
inline constexpr std::size_t kMaxAppFileBytes = 1u << 20;
/// The greatest max_connections that an app may set; 0 is no limit.
inline constexpr std::size_t kMaxAppConnections = 1'000'000'000;
/// The greatest allowance of events or reads in a second that an app may have; 0 is no limit.
inline constexpr std::size_t kMaxAppRate = 1'000'000;
/// Uses of allowances that a node reports at a time: as many as a message of the mesh carries. Of more uses, the node
/// reports those nearest to their limits.
inline constexpr std::size_t kMaxToldUses = 256;
/// Time between two reports of a node's uses to the other nodes.
inline constexpr Duration kUseInterval = 1s;
/// A change in apps_dir is read after this time without a further change, so that a file is complete …
inline constexpr Duration kReloadQuiet = 100ms;
/// … and at the latest this long after the first change.
inline constexpr Duration kReloadPatience = 1s;

// ---- presence ----

/// The channel_data of a subscription: the length is checked before the signature, so that a stranger cannot have more
/// hashed. Longer channel_data is refused with status 4301.
inline constexpr std::size_t kMaxChannelDataBytes = 32u << 10;
/// A user_id, which the mesh carries. A longer id is refused with a subscription error.
inline constexpr std::size_t kMaxUserIdBytes = 256;
/// Users of a presence channel in the whole mesh, unless the app's configuration says otherwise; the default is
/// Pusher's. A further user is refused with status 4100.
inline constexpr std::size_t kDefaultMaxPresenceMembers = 100;
/// The greatest limit an app may set: each new subscriber is sent the whole list of users.
inline constexpr std::size_t kMaxPresenceMembers = 10'000;
/// Bytes of a user_info, unless the app's configuration says otherwise; the default of soketi and Sockudo. A larger
/// user_info is refused with status 4301.
inline constexpr std::size_t kDefaultMaxPresenceMemberBytes = 2u << 10;
/// The greatest limit an app may set: user_info and id together must fit into the 16 KiB of the mesh.
inline constexpr std::size_t kMaxPresenceMemberBytes = 14u << 10;

// ---- users ----

/// The id of a user who signs in, in code points, as with Pusher. A longer id is refused with 4009 or 400 …
inline constexpr std::size_t kMaxSignInIdCharacters = 128;
/// … and so is an id of more bytes than the mesh carries in the name of the user's channel.
inline constexpr std::size_t kMaxSignInIdBytes = 236;
/// The user_data of a sign-in: the length is checked before the signature. The connection keeps id and user_info alone.
/// Longer user_data closes the connection with 4009.
inline constexpr std::size_t kMaxUserDataBytes = 32u << 10;
/// Users on the watchlist of a single user, as with Pusher: each is an entry in the mesh. Of a longer list the first
/// 100 users are watched, and the client is told so with 4302.
inline constexpr std::size_t kMaxWatchlist = 100;

// ---- cache channels ----

/// How long a cache channel keeps its last event, unless the app's configuration says otherwise; the default is
/// Pusher's.
inline constexpr Duration kDefaultCacheTtl = 30min;
/// The greatest time that an app may set; the mesh keeps no event longer.
inline constexpr Duration kMaxCacheTtl = 24h;

// ---- WebSocket connections ----

/// Room of a client's message beside the data: channel, event, auth, and the JSON around them.
inline constexpr std::size_t kClientMessageOverhead = 8u << 10;
/// A client event that is somewhat larger than the app allows is answered with 4301, and the connection goes on. For
/// this the node reads messages of up to kFrameFactor times the app's max_event_bytes, and at least kMinFrameDataBytes,
/// plus kClientMessageOverhead. A still larger message is not held in memory: the connection is closed with 1009.
inline constexpr std::size_t kFrameFactor = 4;
inline constexpr std::size_t kMinFrameDataBytes = 256u << 10;
/// The greatest message, in bytes, that clients of an app with this `max_event_bytes` may send.
[[nodiscard]] constexpr std::size_t max_frame_bytes(std::size_t max_event_bytes) {
    const std::size_t data = kFrameFactor * max_event_bytes;
    return (data < kMinFrameDataBytes ? kMinFrameDataBytes : data) + kClientMessageOverhead;
}
/// Channels of a single connection. A subscription to a further channel is refused with a subscription error (4100).
inline constexpr std::size_t kMaxChannelsPerConnection = 10'000;
/// Subscriptions and unsubscriptions that a connection may ask for at once: as many as the connection may hold, since a
/// client that has reconnected subscribes to all its channels at once …
inline constexpr std::size_t kSubscriptionBurst = kMaxChannelsPerConnection;
/// … and in each second from then on: the first subscription of a channel on a node, and the end of the last, is told
/// to every other node. Beyond the limit nothing is refused, but the connection is not read until kSubscriptionPause
/// worth of changes is available again; each pause is counted.
inline constexpr std::size_t kSubscriptionsPerSecond = 1000;
/// How much allowance a paused connection gathers before it is read again, so that it does not pause at every message.
inline constexpr Duration kSubscriptionPause = 200ms;
/// JSON nesting of client frames and HTTP bodies; 512 is the default of PHP's reader. The parser recurses and uses some
/// 300 bytes of stack a level. Deeper JSON is refused before anything recurses further.
inline constexpr std::size_t kMaxJsonDepth = 512;
/// Told to the clients: the time of silence after which a client pings. Proxies end a WebSocket without traffic after
/// 50 s (HAProxy as Debian configures it), 60 s (nginx, AWS) or 100 s (Cloudflare). Clients that ping after 30 s live
/// behind all of these, as with soketi and Reverb. Clients that do not ping are pinged at patience_of(30 s) = 45 s,
/// which is less than 50 s, too.
inline constexpr Duration kActivityTimeout = 30s;
/// The server pings after this time without a word from the client, or without a word to the client other than
/// broadcasts. The time is longer than the clients' own `activity`, so that only the client pings as a rule.
[[nodiscard]] constexpr Duration patience_of(Duration activity) {
    return activity + activity / 2;
}
/// Silence after the server's ping; the connection is then closed with 4201.
inline constexpr Duration kPongTimeout = 30s;
/// A connection without a subscription that says nothing but pings and pongs is of no use: closed with 4202.
inline constexpr Duration kIdleTimeout = 24h;

// ---- HTTP ----

/// Parameters of a query; the protocol knows nine. The work before a signature is checked stays small. More parameters
/// are refused with 400.
inline constexpr std::size_t kMaxQueryParameters = 32;
/// Bytes hashed to find out by which of its renderings a request was signed: as many as for a channel_data. The text
/// that an official SDK signs has 1 KiB at most and is among the first few tried. Renderings beyond the limit are not
/// tried, and the request is refused with 401.
inline constexpr std::size_t kMaxSignedTextBytes = 32u << 10;
/// Members of a JSON object that the protocol looks into; the protocol knows six. The JSON library holds the members in
/// a hash table, and a stranger can find collisions of the table's hash. An object with more members is refused like
/// text that is no object.
inline constexpr std::size_t kMaxJsonMembers = 64;
/// Time for the other nodes' part of a read; the answer is then partial (header Tulle-Partial).
inline constexpr Duration kClusterReadTimeout = 1s;
/// Greatest difference between auth_timestamp and this node's clock; a request beyond is refused with 401.
inline constexpr Duration kMaxClockSkew = 600s;

}  // namespace tulle::node
