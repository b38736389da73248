#pragma once

#include <string>
#include <string_view>

#include "node/redis/core/realm.hpp"

namespace tulle::node::redis {

/// By which nodes find out whether they have a realm with equal users and an equal secret, without showing either.
struct RealmDigests {
    std::string users;
    std::string secret;
    friend bool operator==(const RealmDigests&, const RealmDigests&) = default;
};

/// The digests of a realm: 16 hexadecimal digits of an HMAC-SHA256 each. The order of the users makes no difference.
///
/// `key`: random bytes that all nodes have and nobody else. Without the key nobody can find out whether a guessed
/// secret is right. With an empty key anybody could: such digests must not be shown.
[[nodiscard]] RealmDigests digests_of(const Realm& realm, std::string_view key);

}  // namespace tulle::node::redis
