#include "node/redis/core/realm_digests.hpp"

#include <algorithm>
#include <vector>

#include "mesh/base/digest.hpp"

namespace tulle::node::redis {
namespace {

/// Enough to tell realms apart; equal by chance once in 2^64.
constexpr std::size_t kDigestDigits = 16;

/// `what` and the realm's name are a part of each message: equal secrets of two realms have different digests.
std::string digest_of(std::string_view key, std::string_view what, const Realm& realm, std::string_view value) {
    // No name, user or secret holds a zero byte, so no two messages are equal.
    std::string message(what);
    message.append(1, '\0').append(realm.name).append(1, '\0').append(value);
    return hmac_sha256_hex(key, message).substr(0, kDigestDigits);
}

}  // namespace

RealmDigests digests_of(const Realm& realm, std::string_view key) {
    std::vector<std::string> users = realm.users;
    std::sort(users.begin(), users.end());
    std::string all;
    for (const std::string& user : users) {
        all.append(user).append(1, '\0');
    }
    return {digest_of(key, "users", realm, all), digest_of(key, "secret", realm, realm.secret)};
}

}  // namespace tulle::node::redis
