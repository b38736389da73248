#pragma once

#include "mesh/keys/mesh_key.hpp"
#include "node/admin/redis_view.hpp"
#include "node/redis/core/realm.hpp"
#include "node/tls/ticket_keys.hpp"

/// What a node derives from the keys of the mesh, beside the mesh's own use of them.
namespace tulle::node {

/// The secrets for session tickets. With a key of the cluster, clients take up their TLS sessions at any node.
[[nodiscard]] TicketKeys::Secrets ticket_secrets(const mesh::KeyRing& keys);

/// Fills in the digests by which nodes are compared. A mesh without keys has nothing to keep them from being guessed,
/// so it has none. REQUIRES: the realms of `view` are those of `realms`, in their order.
void sign_realms(RedisView& view, const redis::Realms& realms, const mesh::KeyRing& keys);

}  // namespace tulle::node
