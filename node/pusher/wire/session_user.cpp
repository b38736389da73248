#include <utility>

#include "node/pusher/core/channel_name.hpp"
#include "node/pusher/core/limits.hpp"
#include "node/pusher/wire/auth.hpp"
#include "node/pusher/wire/presence.hpp"
#include "node/pusher/wire/session.hpp"
#include "node/pusher/wire/user_data.hpp"

namespace tulle::node::pusher {
namespace {

/// Close code of the Pusher protocol.
constexpr std::uint16_t kNotAuthorized = 4009;
/// Error code of the Pusher protocol.
constexpr std::uint16_t kWatchlistTooLong = 4302;

}  // namespace

void Session::fail_signin(Refused what, std::string_view reason, SessionEffects& out) {
    out.push_back(Count{what});
    close(kNotAuthorized, reason, out);
}

void Session::sign_in(const ClientFrame& frame, const ShardTables& tables, SessionEffects& out) {
    if (!app_->user_authentication) {
        fail_signin(Refused::kSubscription, "Users do not sign in to this app", out);
        return;
    }
    // Checked before the signature, so that a stranger cannot have more hashed.
    if (frame.user_data.size() > kMaxUserDataBytes) {
        fail_signin(Refused::kSubscription, describe(UserDataErrc::kTooLarge), out);
        return;
    }
    if (!signin_auth_is_valid(*app_, socket_id_, frame.user_data, frame.auth)) {
        const bool is_shut = tables.auth != nullptr && tables.auth->is_shut();
        fail_signin(is_shut ? Refused::kThrottled : Refused::kAuth,
                    is_shut ? "Too many wrong signatures from this address, and this one is wrong too"
                            : "The connection is not authorised to sign in",
                    out);
        return;
    }
    Result<UserData, UserDataErrc> user = parse_user_data(frame.user_data);
    if (!user) {
        fail_signin(Refused::kSubscription, describe(user.error()), out);
        return;
    }
    // A connection stays with its first user.
    if (user_ && user_->user != user->member.user) {
        fail_signin(Refused::kSubscription, "The connection is signed in as another user", out);
        return;
    }
    authorize_by_ = Instant::max();
    // The answer repeats the user_data when every node knows of the user.
    signing_in_ = with_text_id(frame.user_data, *user);
    const bool is_first = user_ == nullptr;
    user_ = std::make_unique<const Member>(std::move(user->member));
    if (!app_->watchlist_events) {
        user->watchlist.clear();
    } else if (user->is_watchlist_cut) {
        out.emplace_back(Send{error_frame({kWatchlistTooLong, "The watchlist is cut to its first 100 users"})});
    }
    out.emplace_back(SignIn{user_->user, std::move(user->watchlist)});
    // Events for the user come by the user's own channel. The client need not subscribe to the channel by name.
    if (is_first) {
        out.emplace_back(Subscribe{channel_of_user(user_->user)});
    }
}

void Session::on_signed_in(SessionEffects& out) {
    if (!is_closed_) {
        out.emplace_back(Send{signin_success(std::exchange(signing_in_, {}))});
    }
}

void Session::on_terminated(SessionEffects& out) {
    close(kNotAuthorized, "The app has ended the user's connections", out);
}

bool Session::is_own_channel(std::string_view channel) const {
    const std::optional<std::string_view> user = user_of_channel(channel);
    return user && user_ && *user == user_->user;
}

Result<Member, MemberErrc> Session::member_for(const ClientFrame& frame) const {
    // A signed-in client need not send channel_data: the user is known.
    return user_ && frame.channel_data.empty() ? with_info_within(*user_, app_->max_presence_member_bytes)
                                               : parse_member(frame.channel_data, app_->max_presence_member_bytes);
}

}  // namespace tulle::node::pusher
