#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "client/core/step.hpp"

namespace tulle::client {

/// Whether, and as whom, the client is signed in on the present connection.
///
/// A sign-in is asked of the application and sent before anything else that asks for leave. When the server has granted
/// it, the channel of the user's own events is subscribed to; only when that is done too is the application told.
class UserSession {
public:
    /// From now on, on every connection.
    void want();
    /// There is a connection. Asks the application, if a sign-in is wanted and not under way.
    void begin(DialId dial, const std::string& socket_id, Effects& out);
    void authenticated(const SignInRequest& request, Effects& out);
    /// False when there was nothing to be refused.
    [[nodiscard]] bool refused(std::optional<int> code, const std::string& reason, Effects& out);
    /// False when nothing of the kind was asked for.
    [[nodiscard]] bool succeeded(const SignInSuccess& success, Effects& out);
    void joined(Effects& out);
    /// The connection has gone, and the sign-in with it.
    void lost();

    /// The channel of this user's own events.
    [[nodiscard]] bool owns(std::string_view channel) const;
    /// Nobody knows yet.
    [[nodiscard]] bool in_progress() const { return state_ == State::kAuthenticating || state_ == State::kRequested; }
    /// Empty unless the server has granted the sign-in.
    [[nodiscard]] const std::string& user_id() const { return user_.user_id; }

private:
    enum class State : std::uint8_t {
        kNotWanted,
        kWanted,          ///< no connection
        kAuthenticating,  ///< waiting for the application
        kRequested,       ///< waiting for the server
        kJoining,         ///< granted; the channel is asked for
        kSignedIn,
        kRefused,  ///< until the next connection
    };

    State state_ = State::kNotWanted;
    SignInSuccess user_;
    std::string channel_;
};

}  // namespace tulle::client
