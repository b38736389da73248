#pragma once

#include <tulle/auth.hpp>

#include "client/core/step.hpp"

namespace tulle::client {

/// Asks the application about a channel and returns Authorized or AuthorizationFailed. The answer is a failure without
/// an authorizer, after a refusal or an exception, and when the answer lacks a part needed
/// by the channel. Thread: the client's own, as the application's function runs inside.
[[nodiscard]] Input ask(const Authorizer& authorizer, const Authorize& question);

/// Asks the application about the sign-in and returns Authenticated or AuthenticationFailed, by the same rules.
[[nodiscard]] Input ask(const UserAuthenticator& authenticator, const Authenticate& question);

}  // namespace tulle::client
