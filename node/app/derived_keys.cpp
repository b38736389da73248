#include "node/app/derived_keys.hpp"

#include <cstddef>
#include <string>

#include "mesh/base/assert.hpp"
#include "node/redis/core/realm_digests.hpp"
#include "node/tls/tls_server.hpp"

namespace tulle::node {

TicketKeys::Secrets ticket_secrets(const mesh::KeyRing& keys) {
    TicketKeys::Secrets secrets;
    for (const mesh::MeshKey& key : keys.keys()) {
        secrets.push_back(key.derive("tulle/tls-tickets"));
    }
    return secrets.empty() ? TicketKeys::Secrets{random_ticket_secret()} : secrets;
}

void sign_realms(RedisView& view, const redis::Realms& realms, const mesh::KeyRing& keys) {
    if (keys.is_empty()) {
        return;
    }
    TULLE_ASSERT(view.realms.size() == realms.all().size());
    view.key = keys.used().id();
    const mesh::KeyBytes bytes = keys.used().derive("tulle/redis-realms");
    const std::string key(bytes.begin(), bytes.end());
    for (std::size_t i = 0; i < view.realms.size(); ++i) {
        const redis::RealmDigests digests = redis::digests_of(realms.all()[i], key);
        view.realms[i].users_digest = digests.users;
        view.realms[i].secret_digest = digests.secret;
    }
}

}  // namespace tulle::node
