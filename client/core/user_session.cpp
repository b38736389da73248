#include "client/core/user_session.hpp"

namespace tulle::client {

void UserSession::want() {
    // A sign-in under way or finished goes on; only its handlers are new.
    if (state_ == State::kNotWanted || state_ == State::kRefused) {
        state_ = State::kWanted;
    }
}

void UserSession::begin(DialId dial, const std::string& socket_id, Effects& out) {
    if (state_ == State::kWanted) {
        state_ = State::kAuthenticating;
        out.push_back(Authenticate{dial, socket_id});
    }
}

void UserSession::authenticated(const SignInRequest& request, Effects& out) {
    if (state_ == State::kAuthenticating) {
        state_ = State::kRequested;
        out.push_back(Send{request});
    }
}

bool UserSession::refused(std::optional<int> code, const std::string& reason, Effects& out) {
    // A refusal counts only while the client waits for the application, the server, or the user's own channel.
    if (!in_progress() && state_ != State::kJoining) {
        return false;
    }
    state_ = State::kRefused;
    user_ = {};
    channel_.clear();
    out.push_back(ReportSignInRefused{code, reason});
    return true;
}

bool UserSession::succeeded(const SignInSuccess& success, Effects& out) {
    if (state_ != State::kRequested) {
        return false;
    }
    state_ = State::kJoining;
    user_ = success;
    // The Pusher protocol's name of the channel for a user's own events. Only the server can grant the subscription.
    channel_ = "#server-to-user-" + success.user_id;
    out.push_back(Send{SubscribeRequest{channel_, {}, {}}});
    return true;
}

void UserSession::joined(Effects& out) {
    if (state_ == State::kJoining) {
        state_ = State::kSignedIn;
        out.push_back(ReportSignedIn{user_});
    }
}

void UserSession::lost() {
    // The wish to be signed in outlives the connection, even after a refusal.
    if (state_ != State::kNotWanted) {
        state_ = State::kWanted;
    }
    user_ = {};
    channel_.clear();
}

bool UserSession::owns(std::string_view channel) const {
    return !channel_.empty() && channel == channel_;
}

}  // namespace tulle::client
