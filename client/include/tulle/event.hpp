#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <tulle/errors.hpp>

/// The messages of channels and users as values, and the handlers for them.
namespace tulle {

/// An event of a channel, or an event sent to the signed-in user.
struct Event {
    std::string channel;
    std::string name;
    /// The text of a JSON string; the JSON source of any other value.
    std::string data;
    /// The sender of a client event in a presence channel; otherwise empty.
    std::string user_id;
};

/// A user in a presence channel.
struct Member {
    /// The text of the id. Ids are compared as texts: 10 and "10" name the same user.
    std::string id;
    /// The id as JSON, as the server wrote the id: 10 or "10".
    std::string id_json;
    /// JSON; empty when the user has no info.
    std::string info;
};

/// The server has accepted the subscription, and every node of the cluster has been told. Every event published from
/// here on arrives.
struct Subscribed {
    /// Presence channels only: all present users, this client's user included, in the order of the server.
    std::vector<Member> members;
    /// Presence channels only: this client's user.
    Member me;
};

/// A user has joined or left a presence channel.
struct MemberChange {
    Member member;
    /// The number of users in the channel after the change. At most 65,536 users are counted.
    std::size_t count = 0;
};

/// Events of the channel are lost for good, because a node had to give the events up. The subscription goes on.
struct Gap {
    /// The number of lost events; 0 when the number is unknown.
    std::uint64_t missing = 0;
};

/// The kinds of a ChannelError.
enum class ChannelFault {
    /// The server or the authorizer refused the subscription. The client asks again on the next connection.
    kRefused,
    /// The server rejected a client event: too many events, too large an event, or an app without client events.
    kClientEvent,
    /// An event of an encrypted channel is lost, because neither the known key nor a fresh key of the authorizer opens
    /// the event.
    kDecryption,
    /// Any other error of the server about the channel.
    kServer,
};

/// An error about one channel. The connection goes on.
struct ChannelError {
    ChannelFault fault = ChannelFault::kServer;
    /// The protocol's code (error_code() tells the meaning). For kRefused: the HTTP status in the server's answer, if
    /// there is a status.
    std::optional<int> code;
    /// For kRefused: "AuthError", "LimitReached" and so on; otherwise empty.
    std::string type;
    std::string message;
};

using EventHandler = std::function<void(const Event&)>;

/// The handlers of one subscription. At least one handler must be set, the others may be left empty. All handlers run
/// on the client's thread and must not throw.
struct ChannelHandlers {
    /// Events published by backends or triggered by other clients.
    EventHandler on_event = {};
    /// Called once on every connection. For a presence channel the argument has the whole list.
    std::function<void(const Subscribed&)> on_subscribed = {};
    /// A user has joined. For a user already listed the call brings the new info.
    std::function<void(const MemberChange&)> on_member_added = {};
    /// A user has left. The argument has the last known info of the user.
    std::function<void(const MemberChange&)> on_member_removed = {};
    /// The number of the channel's subscribers in the whole cluster. Only for apps with subscription counts, and never
    /// for presence channels.
    std::function<void(std::uint64_t)> on_subscription_count = {};
    /// A cache channel has no last event. If there is a last event, on_event receives the event after on_subscribed.
    std::function<void()> on_cache_miss = {};
    /// Events of the channel are lost for good.
    std::function<void(const Gap&)> on_gap = {};
    /// The subscription was refused, or a later error concerns the channel.
    std::function<void(const ChannelError&)> on_error = {};
    /// Everything above as an Event, before the specific handler. The protocol's own events keep their data:
    /// "pusher:subscription_succeeded", "pusher:subscription_error", "pusher:member_added", "pusher:member_removed",
    /// "pusher:subscription_count", "pusher:cache_miss" and "tulle:gap". The data of "pusher:error" and
    /// "tulle:decryption_error" is a text.
    EventHandler on_any = {};
};

/// The server has accepted the sign-in, and the client has subscribed to the user's own events.
struct SignedIn {
    std::string user_id;
    /// The signed JSON.
    std::string user_data;
};

/// The sign-in was refused on the present connection.
struct SignInError {
    /// The server's code; nothing when the application's authenticator refused.
    std::optional<int> code;
    std::string message;
};

/// The handlers of the signed-in user. Each may be left empty. All handlers run on the client's thread and must not
/// throw.
struct UserHandlers {
    /// Called once on every connection. Events sent to the user arrive from here on.
    std::function<void(const SignedIn&)> on_signed_in = {};
    /// The user is not signed in on the present connection. When the server ends the connection too, the state becomes
    /// kFailed.
    std::function<void(const SignInError&)> on_refused = {};
    /// Events sent to the user by a backend, on every connection of the user. "tulle:gap" tells about events lost for
    /// good.
    EventHandler on_event = {};
    /// Users of the watchlist: after a sign-in all users online, later each user coming online.
    std::function<void(const std::vector<std::string>&)> on_online = {};
    /// Users of the watchlist without any connection left.
    std::function<void(const std::vector<std::string>&)> on_offline = {};
};

}  // namespace tulle
