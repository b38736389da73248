#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "mesh/base/bytes.hpp"
#include "mesh/base/ids.hpp"

/// Highest random weight (Thaler, Ravishankar 1998): chooses the members in charge of a key. Equal sets of members give
/// equal answers on every machine, in whatever order; a change of a member moves only the keys of that member. Pure
/// functions, safe on every thread.
namespace tulle::mesh {

/// How strongly the member wants the key with the stable_hash `key_hash`. No ties happen, as the function is one-to-one
/// in the oid.
[[nodiscard]] inline std::uint64_t rendezvous_weight(OriginId oid, std::uint64_t key_hash) {
    // The finaliser of splitmix64: multiplications by odd numbers and xor-shifts are all invertible.
    std::uint64_t z = oid.value * 0x9e3779b97f4a7c15ULL ^ key_hash;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

/// The member in charge of the key; 0 without members. Cost: O(members).
[[nodiscard]] inline OriginId duty_node(std::span<const OriginId> members, std::uint64_t key_hash) {
    std::pair<std::uint64_t, OriginId> best{};
    for (const OriginId oid : members) {
        best = std::max(best, {rendezvous_weight(oid, key_hash), oid});
    }
    return best.second;
}

/// The member in charge of `key`; 0 without members.
[[nodiscard]] inline OriginId duty_node(std::span<const OriginId> members, std::string_view key) {
    return duty_node(members, stable_hash(key));
}

/// The `k` members most in charge of the key, the first member first; all members when there are fewer. Cost: O(members
/// × k).
[[nodiscard]] inline std::vector<OriginId> keepers(std::span<const OriginId> members, std::string_view key,
                                                   std::size_t k) {
    const std::uint64_t key_hash = stable_hash(key);
    std::vector<std::pair<std::uint64_t, OriginId>> best;
    for (const OriginId oid : members) {
        const std::pair candidate{rendezvous_weight(oid, key_hash), oid};
        const auto place = std::find_if(best.begin(), best.end(), [&](const auto& held) { return held < candidate; });
        // Weaker than all k held so far.
        if (best.size() == k && place == best.end()) {
            continue;
        }
        best.insert(place, candidate);
        if (best.size() > k) {
            best.pop_back();
        }
    }
    std::vector<OriginId> named;
    for (const auto& [weight, oid] : best) {
        named.push_back(oid);
    }
    return named;
}

}  // namespace tulle::mesh
