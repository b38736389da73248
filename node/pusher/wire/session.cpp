#include "node/pusher/wire/session.hpp"

#include <algorithm>

#include "mesh/base/utf8.hpp"
#include "node/pusher/core/channel_name.hpp"
#include "node/pusher/wire/auth.hpp"
#include "node/pusher/wire/connect.hpp"
#include "node/pusher/wire/event_frame.hpp"
#include "node/pusher/wire/presence.hpp"

namespace tulle::node::pusher {
namespace {

/// Begins the name of every client event.
constexpr std::string_view kClientEventPrefix = "client-";
/// Error code of the Pusher protocol.
constexpr std::uint16_t kClientEventRejected = 4301;
/// Status of a subscription error, as in HTTP.
constexpr unsigned kWrongSignatureStatus = 401;
/// Status of a subscription error, as in HTTP.
constexpr unsigned kThrottledStatus = 429;

/// Sends pusher:error.
void send_error(const ErrorText& error, std::string_view channel, SessionEffects& out) {
    out.push_back(Send{error_frame(error, channel)});
}

/// The kind under which the metrics count a refusal.
Refused kind_of(const SubscriptionRefusal& refusal) {
    switch (refusal.status) {
        case kWrongSignatureStatus:
            return Refused::kAuth;
        case kThrottledStatus:
            return Refused::kThrottled;
        default:
            return Refused::kSubscription;
    }
}

/// The reason is used for two limits: of the app, and of the bytes that may wait for a client.
constexpr std::string_view kEventTooLarge = "The data of the client event is too large";

/// Why a client event is rejected; empty when the event may be published.
std::string_view reject_reason(const App& app, const ClientFrame& frame, bool is_subscribed) {
    if (!app.client_events) {
        return "Client events are not enabled for this app";
    }
    const std::size_t characters = characters_in(frame.event);
    if (characters > kMaxEventNameCharacters || frame.event.size() == kClientEventPrefix.size()) {
        return "The event name must have 8 to 200 characters";
    }
    if (characters > app.max_event_name_length) {
        return "The event name is longer than this app allows";
    }
    if (!is_valid_channel_name(frame.channel) || !classify(frame.channel).allows_client_events()) {
        return "Client events need a private or presence channel";
    }
    if (!is_subscribed) {
        return "Client events need a subscription to their channel";
    }
    // Two sizes count: the text for the app's limit, and the source, which has the escapes, for the mesh.
    if (frame.data_bytes > app.max_event_bytes || frame.data.size() > kMaxEventBytes) {
        return kEventTooLarge;
    }
    return {};
}

}  // namespace

Session::Session(const App& app, Slot slot, std::string socket_id, const SessionTimeouts& timeouts)
    : app_(&app), timeouts_(&timeouts), socket_id_(std::move(socket_id)), slot_(slot) {}

void Session::on_open(Instant now, SessionEffects& out) {
    last_activity_ = now;
    last_word_ = now;
    last_use_ = now;
    if (app_->authorization_timeout > Duration{}) {
        authorize_by_ = now + app_->authorization_timeout;
    }
    out.push_back(Send{connection_established(socket_id_, timeouts_->activity)});
}

void Session::on_activity(Instant now, bool is_answered) {
    last_activity_ = now;
    awaits_pong_ = false;
    last_word_ = is_answered ? now : last_word_;
}

void Session::on_text(Instant now, std::string_view text, const ShardTables& tables, SessionEffects& out) {
    if (is_closed_) {
        return;
    }
    // A wrong frame is a sign of life, too.
    on_activity(now);
    Result<ClientFrame, FrameErrc> frame = parse_client_frame(text);
    // Pings and pongs alone do not make a connection useful: see kIdleTimeout.
    if (!frame || (frame->event != "pusher:ping" && frame->event != "pusher:pong")) {
        last_use_ = now;
    }
    if (!frame) {
        out.push_back(Count{Refused::kFrame});
        send_error({std::nullopt, describe(frame.error())}, {}, out);
    } else if (frame->event == "pusher:ping") {
        last_word_ = now;
        out.push_back(Send{std::string(kPongFrame)});
    } else if (frame->event == "pusher:pong") {
        return;
    } else if (frame->event == "pusher:subscribe") {
        // A client that subscribes too fast is answered before the pause.
        subscribe(*frame, tables, out);
        pay_for_change(now, out);
    } else if (frame->event == "pusher:unsubscribe") {
        pay_for_change(now, out);
        unsubscribe(*frame, out);
    } else if (frame->event == "pusher:signin") {
        sign_in(*frame, tables, out);
    } else if (frame->event.starts_with(kClientEventPrefix)) {
        client_event(now, *frame, tables, out);
    } else {
        out.push_back(Count{Refused::kFrame});
        send_error({std::nullopt, "Unknown event; a client's own events begin with client-"}, frame->channel, out);
    }
}

void Session::pay_for_change(Instant now, SessionEffects& out) {
    constexpr Duration kShare = Duration(1s) / kSubscriptionsPerSecond;
    constexpr Duration kAhead = kShare * kSubscriptionBurst;
    // A token bucket in a single time: each change moves the time on by kShare, and the connection pauses as soon as
    // the time is more than kAhead in the future.
    changes_paid_until_ = std::max(changes_paid_until_, now) + kShare;
    if (changes_paid_until_ > now + kAhead && resume_at_ == Instant::max()) {
        resume_at_ = changes_paid_until_ - kAhead + kSubscriptionPause;
        out.push_back(Pause{});
    }
}

void Session::refuse_subscription(std::string_view channel, const SubscriptionRefusal& refusal, SessionEffects& out) {
    out.push_back(Count{kind_of(refusal)});
    out.push_back(Send{subscription_error(channel, refusal)});
}

std::optional<SubscriptionRefusal> Session::check_subscription(const ClientFrame& frame,
                                                               const ShardTables& tables) const {
    constexpr SubscriptionRefusal kNotAuthorised{"AuthError", "The connection is not authorised for this channel",
                                                 kWrongSignatureStatus};
    // A user's own channel needs no signature: the sign-in has proved the user.
    if (user_of_channel(frame.channel)) {
        return is_own_channel(frame.channel) ? std::nullopt : std::optional(kNotAuthorised);
    }
    if (!is_valid_channel_name(frame.channel)) {
        return SubscriptionRefusal{"LimitReached",
                                   "A channel name has 1 to 200 of the characters A-Z a-z 0-9 _ - = @ , . ; :", 4009};
    }
    if (frame.channel.size() > app_->max_channel_name_length) {
        return SubscriptionRefusal{"LimitReached", "The name of the channel is longer than this app allows", 4009};
    }
    if (tables.channels.channels_of(slot_) >= kMaxChannelsPerConnection) {
        return SubscriptionRefusal{"LimitReached", "Too many channels on this connection", 4100};
    }
    if (!classify(frame.channel).needs_auth()) {
        return std::nullopt;
    }
    // Checked before the signature, so that a stranger cannot have more hashed.
    if (frame.channel_data.size() > kMaxChannelDataBytes) {
        return SubscriptionRefusal{"LimitReached", "The channel_data is larger than 32 KiB", 4301};
    }
    const ChannelClaim claim{socket_id_, frame.channel, frame.channel_data};
    if (channel_auth_is_valid(*app_, claim, frame.auth)) {
        return std::nullopt;
    }
    // Only a wrong signature is throttled: a right signature passes, also from an address that has sent wrong
    // signatures before.
    if (tables.auth != nullptr && tables.auth->is_shut()) {
        return SubscriptionRefusal{
            "LimitReached", "Too many wrong signatures from this address, and this one is wrong too", kThrottledStatus};
    }
    return kNotAuthorised;
}

void Session::subscribe(const ClientFrame& frame, const ShardTables& tables, SessionEffects& out) {
    if (const std::optional<SubscriptionRefusal> refusal = check_subscription(frame, tables)) {
        refuse_subscription(frame.channel, *refusal, out);
        return;
    }
    const ChannelKind kind = classify(frame.channel);
    if (kind.type != ChannelType::kPresence) {
        // For a user's own channel the session is subscribed already; the repeated subscription makes the table
        // confirm, and the client is then told.
        wants_own_channel_ = wants_own_channel_ || is_own_channel(frame.channel);
        // A public channel proves nothing, so the time to authorize goes on.
        authorize_by_ = kind.needs_auth() ? Instant::max() : authorize_by_;
        out.push_back(Subscribe{frame.channel, {}, frame.history});
        return;
    }
    Result<Member, MemberErrc> member = member_for(frame);
    if (member) {
        authorize_by_ = Instant::max();
        out.push_back(Subscribe{frame.channel, std::move(*member), frame.history});
    } else {
        refuse_subscription(frame.channel, refusal_of(member.error()), out);
    }
}

/// A client that leaves its user's channel hears nothing more of the channel itself, and goes on getting the events for
/// the user.
void Session::unsubscribe(const ClientFrame& frame, SessionEffects& out) {
    if (is_own_channel(frame.channel)) {
        wants_own_channel_ = false;
    } else {
        out.push_back(Unsubscribe{frame.channel});
    }
}

void Session::client_event(Instant now, ClientFrame& frame, const ShardTables& tables, SessionEffects& out) {
    const std::string key = channel_key(app_->id, frame.channel);
    std::string_view reason = reject_reason(*app_, frame, tables.channels.is_confirmed(slot_, key));
    const auto allowance = static_cast<double>(app_->client_events_per_second);
    // The allowance is asked last: a rejected event costs no allowance.
    if (reason.empty() && allowance > 0 && !client_events_.take(now, 1, allowance)) {
        reason = "More client events in a second than this app allows";
    }
    if (!reason.empty()) {
        out.push_back(Count{Refused::kClientEvent});
        send_error({kClientEventRejected, reason}, frame.channel, out);
        return;
    }
    // Subscribers of a presence channel are told which user has sent the event.
    const std::string* card = tables.rooms.card_of(slot_, key);
    const std::string_view user_id = card == nullptr ? std::string_view{} : id_of_card(*card);
    EventBody body(event_name(frame.event, frame.raw_event), frame.data, DataKind::kJson, user_id);
    out.push_back(PublishClientEvent{std::move(frame.channel), std::move(body)});
}

void Session::on_deadline(Instant now, SessionEffects& out) {
    if (is_closed_ || now < next_deadline()) {
        return;
    }
    if (now >= resume_at_) {
        resume_at_ = Instant::max();
        out.push_back(Resume{});
        // Reading goes on; no other deadline has come.
        if (now < next_deadline()) {
            return;
        }
    }
    // A connection due for a close is not pinged any more.
    if (now >= authorize_by_) {
        close(4009, "Connection not authorized within timeout", out);
        return;
    }
    if (now >= last_use_ + kIdleTimeout) {
        close(kInactive, "Closed after inactivity: no subscription and no message for 24 hours", out);
        return;
    }
    if (awaits_pong_) {
        close(kPongMissing, "Pong reply not received", out);
        return;
    }
    awaits_pong_ = true;
    last_word_ = now;
    out.push_back(Send{std::string(kPingFrame)});
}

void Session::on_subscribed(std::string_view channel, const PresenceRooms::Users* users, SessionEffects& out,
                            std::string_view history) {
    // The subscription to the user's own channel that every sign-in makes is not the client's, and the client is not
    // told of it.
    if (!is_closed_ && (wants_own_channel_ || !is_own_channel(channel))) {
        out.push_back(Send{users == nullptr ? subscription_succeeded(channel, history)
                                            : presence_succeeded(channel, *users, history)});
    }
}

void Session::on_turned_away(std::string_view channel, JoinRefusal reason, SessionEffects& out) {
    if (!is_closed_) {
        refuse_subscription(channel, refusal_of(reason), out);
    }
}

void Session::on_publish_refused(SessionEffects& out) {
    if (!is_closed_) {
        out.push_back(Count{Refused::kClientEvent});
        send_error({kClientEventRejected, "The node does not accept events at the moment"}, {}, out);
    }
}

void Session::on_event_too_large(std::string_view channel, SessionEffects& out) {
    out.push_back(Count{Refused::kClientEvent});
    send_error({kClientEventRejected, kEventTooLarge}, channel, out);
}

void Session::on_loss(SessionEffects& out) {
    close(4200, "Messages were lost: please reconnect", out);
}

void Session::on_kicked(bool reconnects, SessionEffects& out) {
    if (reconnects) {
        close(4200, "An operator has closed the connection: please reconnect", out);
    } else {
        close(4009, "An operator has closed the connection", out);
    }
}

void Session::on_drain(SessionEffects& out) {
    close(4200, "The node is going away: please reconnect", out);
}

void Session::on_app_withdrawn(AppFate fate, SessionEffects& out) {
    if (fate == AppFate::kDisabled) {
        close(kAppDisabled, kAppDisabledText, out);
    } else {
        close(kAppUnknown, kAppUnknownText, out);
    }
}

void Session::close(std::uint16_t code, std::string_view message, SessionEffects& out) {
    if (!is_closed_) {
        is_closed_ = true;
        refuse_connection(code, message, out);
    }
}

Instant Session::next_deadline() const {
    // Both directions are watched: silence of the client, and silence of the server.
    const Instant liveness = awaits_pong_ ? last_word_ + timeouts_->pong
                                          : std::min(last_activity_, last_word_) + patience_of(timeouts_->activity);
    return std::min({authorize_by_, resume_at_, last_use_ + kIdleTimeout, liveness});
}

void refuse_connection(std::uint16_t code, std::string_view reason, SessionEffects& out) {
    out.push_back(Send{error_frame({code, reason})});
    out.push_back(Close{code, std::string(reason)});
}

}  // namespace tulle::node::pusher
