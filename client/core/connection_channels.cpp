// The channels and the user of a Connection. connection.cpp has the life of the connection.
//
// A wanted channel goes through the states of SubscriptionState. Public channels are asked for at once. Private and
// presence channels need the application's consent first (Authorize), and some presence channels the end of the
// sign-in. Every answer is checked against the present state, because the application may have ended or renewed the
// subscription meanwhile.
#include <utility>

#include "client/core/channel_name.hpp"
#include "client/core/connection.hpp"

namespace tulle::client {
namespace {

// The public names of the protocol's events, as handlers receive the names.
constexpr const char* kSucceeded = "pusher:subscription_succeeded";
constexpr const char* kError = "pusher:subscription_error";
// Codes of the Pusher protocol (ErrorCode in the public header).
constexpr int kUnauthorized = 4009;
constexpr int kClientEventRejected = 4301;
// The refusal of a presence channel without a user, as JSON and in words.
constexpr const char* kNobodyData =
    R"({"type":"AuthError","error":"the authorizer names no user, and none is signed in","status":401})";
constexpr const char* kNobody = "the authorizer names no user, and none is signed in";

}  // namespace

void Connection::on(Instant, const Want& input, Effects& out) {
    // Without a connection the channel is asked for as soon as there is a connection.
    if (book_.add(input.channel) && phase_ == Phase::kConnected) {
        ask_for(input.channel, out);
    }
}

void Connection::on(Instant, const Unwant& input, Effects& out) {
    auto was = SubscriptionState::kIdle;
    if (!book_.remove(input.channel, was) || phase_ != Phase::kConnected) {
        return;
    }
    presence_.forget(input.channel);
    sealed_.forget(input.channel);
    awaiting_user_.erase(input.channel);
    // In the other states the server does not know about the subscription.
    if (was == SubscriptionState::kPending || was == SubscriptionState::kSubscribed) {
        out.push_back(Send{UnsubscribeRequest{input.channel}});
    }
}

void Connection::on(Instant, const Trigger& input, Effects& out) {
    // An event kept for later would arrive out of its time, and after a reconnection perhaps twice.
    if (book_.state(input.event.channel) != SubscriptionState::kSubscribed) {
        out.push_back(ReportError{std::nullopt, "client event not sent: not subscribed now", input.event.channel});
        return;
    }
    out.push_back(Send{input.event});
}

void Connection::on(Instant, const Authorized& input, Effects& out) {
    const std::string& channel = input.request.channel;
    if (!live(input.dial)) {
        return;
    }
    // For a subscribed channel the only question can have been a new key of an encrypted channel.
    if (book_.state(channel) == SubscriptionState::kSubscribed) {
        if (sealed_.on_new_key(channel, input.key, out)) {
            out.push_back(Authorize{dial_, socket_id_, channel});
        }
    } else if (book_.state(channel) == SubscriptionState::kAuthorizing) {
        // The application has named no user, so the signed-in user joins.
        if (is_presence(channel) && input.request.channel_data.empty()) {
            join_as_user(input, out);
        } else {
            ask_server(input, input.user_id, out);
        }
    }
}

void Connection::on(Instant, const AuthorizationFailed& input, Effects& out) {
    if (!live(input.dial)) {
        return;
    }
    // For a subscribed channel the only question can have been a new key of an encrypted channel.
    if (book_.state(input.channel) == SubscriptionState::kSubscribed) {
        sealed_.on_no_key(input.channel, input.reason, out);
    } else if (book_.state(input.channel) == SubscriptionState::kAuthorizing) {
        refuse(input.channel, input.data, Fault{FaultKind::kRefused, std::nullopt, "AuthError", input.reason}, out);
    }
}

void Connection::on(Instant, const SignIn&, Effects& out) {
    user_.want();
    if (phase_ == Phase::kConnected) {
        user_.begin(dial_, socket_id_, out);
    }
}

void Connection::on(Instant, const Authenticated& input, Effects& out) {
    if (live(input.dial)) {
        user_.authenticated(input.request, out);
    }
}

void Connection::on(Instant, const AuthenticationFailed& input, Effects& out) {
    if (live(input.dial)) {
        refuse_sign_in(std::nullopt, input.reason, out);
    }
}

void Connection::message(Instant now, const ServerError& message, Effects& out) {
    // Some servers refuse a connection with an error message carrying the close code, and leave the closing to the
    // client.
    if (phase_ == Phase::kConnecting && message.code && *message.code >= 4000 && *message.code < 4300) {
        drop(now, message.code, message.message, out);
        return;
    }
    out.push_back(ReportError{message.code, message.message, message.channel});
    // 4009 without a channel is the server's refusal of the sign-in.
    if (message.code == kUnauthorized && message.channel.empty()) {
        refuse_sign_in(message.code, message.message, out);
    }
    // The channel's own handlers hear of the error too.
    if (book_.state(message.channel)) {
        const FaultKind kind = message.code == kClientEventRejected ? FaultKind::kClientEvent : FaultKind::kServer;
        out.push_back(Deliver{ChannelEvent{
            message.channel, "pusher:error", message.message, {}, Fault{kind, message.code, {}, message.message}}});
    }
}

void Connection::message(Instant, const SubscriptionSucceeded& message, Effects& out) {
    // The channel of the user's own events belongs to the sign-in and not to the application.
    if (user_.owns(message.channel)) {
        user_.joined(out);
        return;
    }
    const std::optional<SubscriptionState> state = book_.state(message.channel);
    // After an unsubscription and a new subscription in quick succession, two answers may arrive. The later list is
    // valid.
    const bool is_newer_list = state == SubscriptionState::kSubscribed && is_presence(message.channel);
    if (state != SubscriptionState::kPending && !is_newer_list) {
        return;
    }
    book_.set_state(message.channel, SubscriptionState::kSubscribed);
    Subscribed detail;
    if (is_presence(message.channel)) {
        detail = presence_.join(message.channel, message.members);
    }
    out.push_back(Deliver{ChannelEvent{message.channel, kSucceeded, message.data, {}, std::move(detail)}});
}

void Connection::message(Instant, const SubscriptionError& message, Effects& out) {
    if (user_.owns(message.channel)) {
        refuse_sign_in(message.fault.code, message.fault.message, out);
    } else if (book_.state(message.channel) == SubscriptionState::kPending) {
        refuse(message.channel, message.data, message.fault, out);
    }
}

void Connection::message(Instant, const ChannelEvent& message, Effects& out) {
    if (user_.owns(message.channel)) {
        // Of the server's own events only a gap concerns the user.
        if (!is_server_event(message.name) || message.name == "tulle:gap") {
            out.push_back(DeliverToUser{message});
        }
    } else if (book_.state(message.channel)) {
        deliver(message, out);
    }
}

void Connection::message(Instant, const SignInSuccess& message, Effects& out) {
    if (!user_.succeeded(message, out)) {
        return;
    }
    // The authorized presence channels have waited for the name of the user.
    for (const auto& [channel, answer] : std::exchange(awaiting_user_, {})) {
        ask_server(answer, message.user_id, out);
    }
}

void Connection::message(Instant, const WatchlistEvents& message, Effects& out) {
    for (const WatchlistChange& change : message.changes) {
        out.push_back(DeliverWatchlist{change});
    }
}

void Connection::ask_for(const std::string& channel, Effects& out) {
    if (needs_auth(channel)) {
        book_.set_state(channel, SubscriptionState::kAuthorizing);
        out.push_back(Authorize{dial_, socket_id_, channel});
    } else {
        book_.set_state(channel, SubscriptionState::kPending);
        out.push_back(Send{SubscribeRequest{channel, {}, {}}});
    }
}

void Connection::ask_server(const Authorized& answer, const std::string& user_id, Effects& out) {
    const std::string& channel = answer.request.channel;
    book_.set_state(channel, SubscriptionState::kPending);
    // The list and the key must be ready before the server's answer arrives.
    if (is_presence(channel)) {
        presence_.expect(channel, user_id);
    } else if (is_encrypted(channel)) {
        sealed_.set_key(channel, answer.key);
    }
    out.push_back(Send{answer.request});
}

void Connection::join_as_user(const Authorized& answer, Effects& out) {
    const std::string& channel = answer.request.channel;
    if (user_.in_progress()) {
        book_.set_state(channel, SubscriptionState::kAwaitingUser);
        awaiting_user_.insert_or_assign(channel, answer);
    } else if (!user_.user_id().empty()) {
        ask_server(answer, user_.user_id(), out);
    } else {
        refuse(channel, kNobodyData, Fault{FaultKind::kRefused, std::nullopt, "AuthError", kNobody}, out);
    }
}

void Connection::refuse(const std::string& channel, const std::string& data, const Fault& fault, Effects& out) {
    book_.set_state(channel, SubscriptionState::kRefused);
    out.push_back(Deliver{ChannelEvent{channel, kError, data, {}, fault}});
}

void Connection::refuse_sign_in(std::optional<int> code, const std::string& reason, Effects& out) {
    if (!user_.refused(code, reason, out)) {
        return;
    }
    // Nobody is signed in, so no waiting channel can be joined as a user.
    for (const auto& [channel, answer] : std::exchange(awaiting_user_, {})) {
        refuse(channel, kNobodyData, Fault{FaultKind::kRefused, std::nullopt, "AuthError", kNobody}, out);
    }
}

void Connection::deliver(ChannelEvent event, Effects& out) {
    if (is_server_event(event.name)) {
        deliver_from_server(std::move(event), out);
    } else if (is_encrypted(event.channel)) {
        // Every subscribed encrypted channel has a key. Events before the server's answer are dropped.
        const bool is_subscribed = book_.state(event.channel) == SubscriptionState::kSubscribed;
        if (is_subscribed && sealed_.on_event(event, out)) {
            out.push_back(Authorize{dial_, socket_id_, event.channel});
        }
    } else {
        out.push_back(Deliver{std::move(event)});
    }
}

void Connection::deliver_from_server(ChannelEvent event, Effects& out) {
    const bool is_subscribed = book_.state(event.channel) == SubscriptionState::kSubscribed;
    if (const auto* added = std::get_if<MemberAdded>(&event.detail)) {
        if (!is_subscribed) {
            // The list in the server's answer is still to come and will contain the user.
            return;
        }
        event.detail = presence_.add(event.channel, added->member);
    } else if (const auto* removed = std::get_if<MemberRemoved>(&event.detail)) {
        std::optional<MemberRemoved> known = presence_.remove(event.channel, removed->member.id);
        // Without an entry in the list there is no user to report: an unknown user, or a user beyond kMaxMembers.
        if (!is_subscribed || !known) {
            return;
        }
        event.detail = std::move(*known);
    }
    out.push_back(Deliver{std::move(event)});
}

}  // namespace tulle::client
