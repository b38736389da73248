#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "mesh/base/time.hpp"

/// The messages of the Pusher protocol as values. The wire layer turns text into them and back.
namespace tulle::client {

// ---- what an event of a channel means

/// A user in a presence channel.
struct Member {
    std::string id;       ///< its text: 10 and "10" are the same user
    std::string id_json;  ///< as the server writes it
    std::string info;     ///< JSON; empty when there is none
    friend bool operator==(const Member&, const Member&) = default;
};

struct Subscribed {
    std::vector<Member> members;  ///< presence channels only, as `me`
    Member me;
    friend bool operator==(const Subscribed&, const Subscribed&) = default;
};
struct MemberAdded {
    Member member;
    std::size_t count = 0;  ///< users there, now
    friend bool operator==(const MemberAdded&, const MemberAdded&) = default;
};
struct MemberRemoved {
    Member member;
    std::size_t count = 0;
    friend bool operator==(const MemberRemoved&, const MemberRemoved&) = default;
};
struct SubscriptionCount {
    std::uint64_t count = 0;
    friend bool operator==(const SubscriptionCount&, const SubscriptionCount&) = default;
};
struct CacheMiss {
    friend bool operator==(const CacheMiss&, const CacheMiss&) = default;
};
/// Messages are lost for good; 0: nobody knows how many.
struct Gap {
    std::uint64_t missing = 0;
    friend bool operator==(const Gap&, const Gap&) = default;
};

enum class FaultKind : std::uint8_t {
    kRefused,      ///< not subscribed, by the server or by the application's authorizer
    kClientEvent,  ///< a client event was rejected
    kDecryption,   ///< an event could not be read; it is lost
    kServer,       ///< what else a server has to say about a channel
};
struct Fault {
    FaultKind kind = FaultKind::kServer;
    std::optional<int> code;
    std::string type;  ///< of a refused subscription: AuthError, LimitReached and so on
    std::string message;
    friend bool operator==(const Fault&, const Fault&) = default;
};

/// Nothing for the events that others publish.
using Detail =
    std::variant<std::monostate, Subscribed, MemberAdded, MemberRemoved, SubscriptionCount, CacheMiss, Gap, Fault>;

// ---- from the server

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

/// pusher:error. It does not end the connection by itself.
struct ServerError {
    std::optional<int> code;
    std::string message;
    std::string channel;  ///< empty when the error is about none
    friend bool operator==(const ServerError&, const ServerError&) = default;
};

struct SubscriptionSucceeded {
    std::string channel;
    std::string data;
    std::vector<Member> members;  ///< of a presence channel
    friend bool operator==(const SubscriptionSucceeded&, const SubscriptionSucceeded&) = default;
};

struct SubscriptionError {
    std::string channel;
    std::string data;  ///< JSON: type, error, status
    Fault fault;
    friend bool operator==(const SubscriptionError&, const SubscriptionError&) = default;
};

/// An event of a channel. `data` is the text of a JSON string, and the JSON source of any other value.
struct ChannelEvent {
    std::string channel;
    std::string name;
    std::string data;
    std::string user_id;  ///< of client events in presence channels; otherwise empty
    Detail detail;
    friend bool operator==(const ChannelEvent&, const ChannelEvent&) = default;
};

struct SignInSuccess {
    std::string user_id;
    std::string user_data;  ///< JSON
    friend bool operator==(const SignInSuccess&, const SignInSuccess&) = default;
};

/// Users of the watchlist have come online, or gone.
struct WatchlistChange {
    bool online = false;
    std::vector<std::string> user_ids;
    friend bool operator==(const WatchlistChange&, const WatchlistChange&) = default;
};
struct WatchlistEvents {
    std::vector<WatchlistChange> changes;
    friend bool operator==(const WatchlistEvents&, const WatchlistEvents&) = default;
};

/// Well-formed, but nothing that this client knows. Counts as a sign of life.
struct Unknown {
    friend bool operator==(const Unknown&, const Unknown&) = default;
};

using ServerMessage = std::variant<Established, Ping, Pong, ServerError, SubscriptionSucceeded, SubscriptionError,
                                   ChannelEvent, SignInSuccess, WatchlistEvents, Unknown>;

// ---- to the server

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
