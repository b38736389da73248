#pragma once

#include "mesh/base/bytes.hpp"

namespace tulle::mesh {

/// A doubt about an item: the world outside may have heard something other than `told` last. A desk in doubt tells the
/// whole truth again.
struct Doubt {
    bool exists = false;
    /// The endpoints in doubt, as in DutyDone. Null: every endpoint.
    SharedBytes behind;  ///< as in DutyDone; null: everybody

    /// Merges a second doubt. Two doubts about different endpoints become a doubt about every endpoint, because
    /// `behind` is opaque and can't be merged.
    void add(const Doubt& other) {
        if (other.exists) {
            const bool same = behind && other.behind && *behind == *other.behind;
            behind = !exists || same ? other.behind : nullptr;
            exists = true;
        }
    }
    /// Merges a doubt about every endpoint, if `condition` is true.
    void add_if(bool condition) { add({condition, nullptr}); }
};

}  // namespace tulle::mesh
