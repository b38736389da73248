#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "client/core/step.hpp"

namespace tulle::client {

/// The sign-in of the client's user on the present connection.
///
/// The sign-in precedes every other request that needs consent. After the server's consent the session subscribes to
/// the channel of the user's own events. The application is told after both, so no event to the user is missed.
///
/// Thread: confined to its owner.
/// Order:  run the appended effects in order; `out` is only appended to.
class UserSession {
public:
    /// The application wants the sign-in, on every connection. A refused sign-in may be tried again.
    void want();
    /// A connection exists. Asks the application if a sign-in is wanted and not under way.
    void begin(DialId dial, const std::string& socket_id, Effects& out);
    /// The application has consented. Sends the request to the server.
    void authenticated(const SignInRequest& request, Effects& out);
    /// The application or the server has refused. Returns false, without effect, when no sign-in was under way.
    [[nodiscard]] bool refused(std::optional<int> code, const std::string& reason, Effects& out);
    /// The server has consented. Subscribes to the user's own channel. Returns false, without effect, when no request
    /// was sent.
    [[nodiscard]] bool succeeded(const SignInSuccess& success, Effects& out);
    /// The user's own channel is subscribed. Tells the application.
    void joined(Effects& out);
    /// The connection has ended, and the sign-in with the connection.
    void lost();

    /// True for the channel of the user's own events.
    [[nodiscard]] bool owns(std::string_view channel) const;
    /// True while the answer of the application or of the server is open.
    [[nodiscard]] bool in_progress() const { return state_ == State::kAuthenticating || state_ == State::kRequested; }
    /// The signed-in user; empty without the server's consent.
    [[nodiscard]] const std::string& user_id() const { return user_.user_id; }

private:
    enum class State : std::uint8_t {
        /// The application has not asked for a sign-in.
        kNotWanted,
        /// No question has been asked on the present connection.
        kWanted,
        /// Waiting for the application.
        kAuthenticating,
        /// Waiting for the server.
        kRequested,
        /// Accepted by the server; waiting for the user's own channel.
        kJoining,
        kSignedIn,
        /// Refused until the next connection or the next want().
        kRefused,
    };

    State state_ = State::kNotWanted;
    SignInSuccess user_;
    /// "#server-to-user-ID" after the server's consent, otherwise empty.
    std::string channel_;
};

}  // namespace tulle::client
