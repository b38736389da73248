#pragma once

#include <cstddef>
#include <cstdint>

/// Every limit of the client apart from the options, each with its reason and the consequence of exceeding the limit.
namespace tulle::client {

// ---- names

/// The limit of the Pusher protocol. A longer name: std::invalid_argument, or kInvalid from a publish.
inline constexpr std::size_t kMaxChannelNameBytes = 200;
/// The limit of the Pusher protocol, in code points. A longer name: kInvalid.
inline constexpr std::size_t kMaxEventNameCharacters = 200;
/// An app id is one segment of a path. A longer id: std::invalid_argument.
inline constexpr std::size_t kMaxAppIdBytes = 200;
/// A socket id is two numbers and a dot: 41 bytes for two 64-bit numbers. A longer id makes the server's first frame a
/// bad frame.
inline constexpr std::size_t kMaxSocketIdBytes = 64;

// ---- requests of the application

/// Subscriptions of one client at a time. A node accepts 10,000 channels of one connection, and several subscriptions
/// may share a channel. More subscriptions: std::length_error.
inline constexpr std::size_t kMaxSubscriptions = 16'384;
/// Client events between the callers and the client's thread. More events: kQueueFull.
inline constexpr std::size_t kMaxQueuedEvents = 1'024;
/// Channels of one publish, the limit of the HTTP API. More channels: kInvalid.
inline constexpr std::size_t kMaxPublishChannels = 100;

// ---- input from the server (the size of a frame is an option of the client)

/// Nesting of a frame, bounded because the parser recurses. A node accepts a depth of 512. A deeper frame is reported
/// and ignored.
inline constexpr std::size_t kMaxJsonDepth = 1024;
/// One day. A longer activity timeout from the server counts as one day, so that a deadline cannot overflow the clock.
inline constexpr std::int64_t kMaxActivitySeconds = 86'400;
/// Users listed for one presence channel; a node accepts 10,000 at most. Further users are reported when they join but
/// not when they leave.
inline constexpr std::size_t kMaxMembers = 65'536;
/// Events of one encrypted channel waiting for a new key from the application. Each further event is lost and reported
/// as an error of the channel.
inline constexpr std::size_t kMaxSealedWaiting = 64;

// ---- encryption

/// The length of a channel's key and of the master key, given by XSalsa20. A key of another length is refused.
inline constexpr std::size_t kKeyBytes = 32;
/// The length of a nonce of XSalsa20. An event with another length of nonce counts as not encrypted properly.
inline constexpr std::size_t kNonceBytes = 24;

}  // namespace tulle::client
