#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <tulle/errors.hpp>

/// What a channel and a user have to tell: values, and the handlers that get them.
namespace tulle {

/// What a subscriber receives.
struct Event {
    std::string channel;
    std::string name;
    std::string data;     ///< the text of a JSON string; the JSON source of any other value
    std::string user_id;  ///< of client events in presence channels; otherwise empty
};

/// A user in a presence channel.
struct Member {
    std::string id;       ///< its text: 10 and "10" are the same user
    std::string id_json;  ///< as the server writes it
    std::string info;     ///< JSON; empty when the user has none
};

/// The server has the subscription, and every node knows of it: what is published from now on arrives.
struct Subscribed {
    std::vector<Member> members;  ///< presence channels only: who is there, this client's user included
    Member me;                    ///< presence channels only
};

struct MemberChange {
    Member member;
    std::size_t count = 0;  ///< users there, now
};

/// Messages of this channel are lost for good, a node has had to give them up. The subscription goes on.
struct Gap {
    std::uint64_t missing = 0;  ///< 0: nobody knows how many
};

enum class ChannelFault {
    kRefused,      ///< not subscribed: by the server or by the authorizer. Asked for again on the next connection
    kClientEvent,  ///< the server has rejected a client event: too many, too large, or not allowed in this app
    kDecryption,   ///< an event of an encrypted channel could not be read, with a fresh key either; it is lost
    kServer,       ///< what else the server has to say about the channel
};

struct ChannelError {
    ChannelFault fault = ChannelFault::kServer;
    std::optional<int> code;  ///< of the protocol (error_code() has its meaning), or an HTTP status when refused
    std::string type;         ///< when refused: "AuthError", "LimitReached" and so on
    std::string message;
};

using EventHandler = std::function<void(const Event&)>;

/// What one subscriber of a channel wants to hear; the others may be left empty. All run on the client's thread.
struct ChannelHandlers {
    /// Events that others publish or trigger.
    EventHandler on_event = {};
    /// On every connection anew; of a presence channel with the whole list.
    std::function<void(const Subscribed&)> on_subscribed = {};
    std::function<void(const MemberChange&)> on_member_added = {};
    /// With the info that the user had.
    std::function<void(const MemberChange&)> on_member_removed = {};
    /// Subscribers of the channel in the whole cluster, in apps that count them. Not on presence channels.
    std::function<void(std::uint64_t)> on_subscription_count = {};
    /// A cache channel holds nothing; otherwise its last event comes after on_subscribed like any other.
    std::function<void()> on_cache_miss = {};
    std::function<void(const Gap&)> on_gap = {};
    std::function<void(const ChannelError&)> on_error = {};
    /// Everything of the above as an event, before the handler it has besides: "pusher:subscription_succeeded",
    /// "pusher:subscription_error", "pusher:member_added", "pusher:member_removed", "pusher:subscription_count",
    /// "pusher:cache_miss" with the data of the protocol, "tulle:gap", and "pusher:error" and
    /// "tulle:decryption_error" with a text.
    EventHandler on_any = {};
};

struct SignedIn {
    std::string user_id;
    std::string user_data;  ///< the JSON that was signed
};

struct SignInError {
    std::optional<int> code;  ///< of the server; nothing when the client's own authenticator refused
    std::string message;
};

/// What the signed-in user wants to hear; the others may be left empty. All run on the client's thread.
struct UserHandlers {
    /// On every connection anew. The events that are sent to this user arrive from now on.
    std::function<void(const SignedIn&)> on_signed_in = {};
    /// Not signed in on this connection. Where the server ends the connection as well, the state is kFailed.
    std::function<void(const SignInError&)> on_refused = {};
    /// Events that a server sends to this user, wherever connected; and "tulle:gap" when some are lost for good.
    EventHandler on_event = {};
    /// Users of the watchlist that are online: those who are, after a sign-in; then those who come.
    std::function<void(const std::vector<std::string>&)> on_online = {};
    std::function<void(const std::vector<std::string>&)> on_offline = {};
};

}  // namespace tulle
