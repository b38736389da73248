#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "mesh/base/time.hpp"

/// The messages of the Pusher protocol as values. The wire layer translates between text and values.
namespace tulle::client {

// ---- the meaning of a channel's event

/// A user in a presence channel.
struct Member {
    /// The text of the id. Ids are compared as texts: 10 and "10" name the same user.
    std::string id;
    /// The id as JSON, as the server wrote the id.
    std::string id_json;
    /// JSON; empty without info.
    std::string info;
    friend bool operator==(const Member&, const Member&) = default;
};

/// The subscription has succeeded.
struct Subscribed {
    /// For presence channels only, like `me`.
    std::vector<Member> members;
    Member me;
    friend bool operator==(const Subscribed&, const Subscribed&) = default;
};
/// A user has joined, or a listed user has new info.
struct MemberAdded {
    Member member;
    /// Users in the channel after the change; 0 in a decoded message, filled in by PresenceLists.
    std::size_t count = 0;
    friend bool operator==(const MemberAdded&, const MemberAdded&) = default;
};
/// A user has left.
struct MemberRemoved {
    Member member;
    std::size_t count = 0;
    friend bool operator==(const MemberRemoved&, const MemberRemoved&) = default;
};
/// The number of the channel's subscribers in the whole cluster.
struct SubscriptionCount {
    std::uint64_t count = 0;
    friend bool operator==(const SubscriptionCount&, const SubscriptionCount&) = default;
};
/// The cache channel has no last event.
struct CacheMiss {
    friend bool operator==(const CacheMiss&, const CacheMiss&) = default;
};
/// Events are lost for good. `missing` is 0 when the number is unknown.
struct Gap {
    std::uint64_t missing = 0;
    friend bool operator==(const Gap&, const Gap&) = default;
};

enum class FaultKind : std::uint8_t {
    /// The server or the application's authorizer refused the subscription.
    kRefused,
    /// The server rejected a client event.
    kClientEvent,
    /// An event could not be decrypted and is lost.
    kDecryption,
    /// Any other error of the server about a channel.
    kServer,
};
/// An error about one channel.
struct Fault {
    FaultKind kind = FaultKind::kServer;
    /// The protocol's code, or the HTTP status in a refusal.
    std::optional<int> code;
    /// For a refused subscription: AuthError, LimitReached and so on.
    std::string type;
    std::string message;
    friend bool operator==(const Fault&, const Fault&) = default;
};

/// The meaning of an event made by the server; std::monostate for the events of other publishers.
using Detail =
    std::variant<std::monostate, Subscribed, MemberAdded, MemberRemoved, SubscriptionCount, CacheMiss, Gap, Fault>;

// ---- from the server

/// The first message of a connection. The server names the connection.
struct Established {
    std::string socket_id;
    Duration activity_timeout{};
    friend bool operator==(const Established&, const Established&) = default;
};

struct Ping {
    friend bool operator==(const Ping&, const Ping&) = default;
};

struct Pong {
    friend bool operator==(const Pong&, const Pong&) = default;
};

/// pusher:error. The message alone does not end the connection.
struct ServerError {
    std::optional<int> code;
    std::string message;
    /// Empty when the error concerns no channel.
    std::string channel;
    friend bool operator==(const ServerError&, const ServerError&) = default;
};

struct SubscriptionSucceeded {
    std::string channel;
    /// The data as the server sent the JSON.
    std::string data;
    /// For presence channels only.
    std::vector<Member> members;
    friend bool operator==(const SubscriptionSucceeded&, const SubscriptionSucceeded&) = default;
};

struct SubscriptionError {
    std::string channel;
    /// JSON with type, error and status.
    std::string data;
    Fault fault;
    friend bool operator==(const SubscriptionError&, const SubscriptionError&) = default;
};

/// An event of a channel. `data` is the text of a JSON string, or the JSON source of any other value.
struct ChannelEvent {
    std::string channel;
    std::string name;
    std::string data;
    /// The sender of a client event in a presence channel; otherwise empty.
    std::string user_id;
    Detail detail;
    friend bool operator==(const ChannelEvent&, const ChannelEvent&) = default;
};

/// The server has accepted the sign-in.
struct SignInSuccess {
    std::string user_id;
    std::string user_data;  ///< JSON
    friend bool operator==(const SignInSuccess&, const SignInSuccess&) = default;
};

/// Users of the watchlist have come online (`online`) or gone offline.
struct WatchlistChange {
    bool online = false;
    std::vector<std::string> user_ids;
    friend bool operator==(const WatchlistChange&, const WatchlistChange&) = default;
};
struct WatchlistEvents {
    std::vector<WatchlistChange> changes;
    friend bool operator==(const WatchlistEvents&, const WatchlistEvents&) = default;
};

/// A well-formed message unknown to this client. The message still proves a live server.
struct Unknown {
    friend bool operator==(const Unknown&, const Unknown&) = default;
};

using ServerMessage = std::variant<Established, Ping, Pong, ServerError, SubscriptionSucceeded, SubscriptionError,
                                   ChannelEvent, SignInSuccess, WatchlistEvents, Unknown>;

// ---- to the server

/// `auth` is empty for public channels. The server verifies the signature over `channel_data`, so `channel_data` is
/// sent byte for byte.
struct SubscribeRequest {
    std::string channel;
    std::string auth;
    std::string channel_data;
    friend bool operator==(const SubscribeRequest&, const SubscribeRequest&) = default;
};

struct UnsubscribeRequest {
    std::string channel;
    friend bool operator==(const UnsubscribeRequest&, const UnsubscribeRequest&) = default;
};

struct SignInRequest {
    std::string auth;
    std::string user_data;
    friend bool operator==(const SignInRequest&, const SignInRequest&) = default;
};

struct ClientEvent {
    std::string channel;
    std::string name;
    std::string data;  ///< sent as a JSON string
    friend bool operator==(const ClientEvent&, const ClientEvent&) = default;
};

using ClientMessage = std::variant<Ping, Pong, SubscribeRequest, UnsubscribeRequest, SignInRequest, ClientEvent>;

}  // namespace tulle::client
