#pragma once

#include "mesh/base/bytes.hpp"

namespace tulle::mesh {

/// Whether the world outside may have heard something else last than what counts as told; and if so, who.
struct Doubt {
    bool exists = false;
    SharedBytes behind;  ///< as in DutyDone; null: everybody

    /// Of two doubts about different ones nothing less is known than that it may be anybody.
    void add(const Doubt& other) {
        if (other.exists) {
            const bool same = behind && other.behind && *behind == *other.behind;
            behind = !exists || same ? other.behind : nullptr;
            exists = true;
        }
    }
    void add_if(bool condition) { add({condition, nullptr}); }
};

}  // namespace tulle::mesh
