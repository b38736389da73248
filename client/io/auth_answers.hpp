#pragma once

#include <tulle/auth.hpp>

#include "client/core/step.hpp"

namespace tulle::client {

/// Asks the application and says what it answered: Authorized, or AuthorizationFailed when it has nobody to ask, when
/// it throws or refuses, and when its answer lacks what the channel needs.
[[nodiscard]] Input ask(const Authorizer& authorizer, const Authorize& question);

/// The same for a sign-in: Authenticated or AuthenticationFailed.
[[nodiscard]] Input ask(const UserAuthenticator& authenticator, const Authenticate& question);

}  // namespace tulle::client
