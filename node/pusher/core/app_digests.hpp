#pragma once

#include <string>
#include <string_view>

#include "node/pusher/core/apps.hpp"

namespace tulle::node {

/// By which nodes find out whether they have an app with equal settings and equal credentials, without showing either.
struct AppDigests {
    std::string settings;
    /// Of key and secret.
    std::string credentials;
    friend bool operator==(const AppDigests&, const AppDigests&) = default;
};

/// The digests of an app: 16 hexadecimal digits of an HMAC-SHA256 each. The place of the app in the configuration makes
/// no difference.
///
/// `key`: random bytes that all nodes have and nobody else. With an empty key anybody could find out whether a guessed
/// secret is right: such digests must not be shown.
[[nodiscard]] AppDigests digests_of(const App& app, std::string_view key);

}  // namespace tulle::node
