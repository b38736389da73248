#pragma once

#include "mesh/keys/mesh_key.hpp"

namespace tulle::mesh {

/// Two different mesh keys, the same ones in all tests of a program.
inline const MeshKey& key_a() {
    static const MeshKey key = MeshKey::make();
    return key;
}
inline const MeshKey& key_b() {
    static const MeshKey key = MeshKey::make();
    return key;
}

}  // namespace tulle::mesh
