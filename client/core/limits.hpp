#pragma once

#include <cstddef>
#include <cstdint>

/// Every limit of the client that is not an option of it, with its reason and with what happens past it.
namespace tulle::client {

// ---- names

inline constexpr std::size_t kMaxChannelNameBytes = 200;     ///< as every server has it; longer: std::invalid_argument
inline constexpr std::size_t kMaxEventNameCharacters = 200;  ///< code points, as above; longer: kInvalid
inline constexpr std::size_t kMaxAppIdBytes = 200;           ///< one segment of a path; longer: std::invalid_argument
inline constexpr std::size_t kMaxSocketIdBytes = 64;         ///< two numbers and a dot; longer: the first frame is bad

// ---- what an application may want

/// Subscriptions of one client at a time; a node takes 10,000 channels of one connection. More: std::length_error.
inline constexpr std::size_t kMaxSubscriptions = 16'384;
inline constexpr std::size_t kMaxQueuedEvents = 1'024;   ///< client events on their way to the socket; more: kQueueFull
inline constexpr std::size_t kMaxPublishChannels = 100;  ///< of one publish, as every server has it; more: kInvalid

// ---- what a server may send (the size of a frame is an option of the client)

inline constexpr std::size_t kMaxJsonDepth =
    1024;  ///< of a frame, as parsing recurses; a node takes 512. Deeper: an error, and the frame is ignored
inline constexpr std::int64_t kMaxActivitySeconds = 86'400;  ///< more is taken for a day: the clock must not overflow
/// Users kept for one presence channel; a node has 10,000 at most. More are told as they come, and not as they go.
inline constexpr std::size_t kMaxMembers = 65'536;
/// Events of one encrypted channel that wait for the application's new key. More: an error on the channel for each.
inline constexpr std::size_t kMaxSealedWaiting = 64;

// ---- encryption

inline constexpr std::size_t kKeyBytes = 32;    ///< of a channel and of the master key; another length: refused
inline constexpr std::size_t kNonceBytes = 24;  ///< of XSalsa20; an event with another is not encrypted as it should be

}  // namespace tulle::client
