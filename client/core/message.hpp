#pragma once

#include <optional>
#include <string>
#include <variant>

#include "mesh/base/time.hpp"

/// The messages of the Pusher protocol as values. The wire layer turns text into them and back.
namespace tulle::client {

// ---- from the server
// -------------------------------------------------------------------------------------------------

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
    friend bool operator==(const SubscriptionSucceeded&, const SubscriptionSucceeded&) = default;
};

struct SubscriptionError {
    std::string channel;
    std::string data;  ///< JSON: type, error, status
    friend bool operator==(const SubscriptionError&, const SubscriptionError&) = default;
};

/// An event of a channel. `data` is the text of a JSON string, and the JSON source of any other value.
struct ChannelEvent {
    std::string channel;
    std::string name;
    std::string data;
    std::string user_id;  ///< of client events in presence channels; otherwise empty
    friend bool operator==(const ChannelEvent&, const ChannelEvent&) = default;
};

/// Well-formed, but nothing that this client knows. Counts as a sign of life.
struct Unknown {
    friend bool operator==(const Unknown&, const Unknown&) = default;
};

using ServerMessage =
    std::variant<Established, Ping, Pong, ServerError, SubscriptionSucceeded, SubscriptionError, ChannelEvent, Unknown>;

// ---- to the server
// ---------------------------------------------------------------------------------------------------

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

struct ClientEvent {
    std::string channel;
    std::string name;
    std::string data;  ///< sent as a JSON string
    friend bool operator==(const ClientEvent&, const ClientEvent&) = default;
};

using ClientMessage = std::variant<Ping, Pong, SubscribeRequest, UnsubscribeRequest, ClientEvent>;

}  // namespace tulle::client
