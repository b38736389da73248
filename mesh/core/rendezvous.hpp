#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "mesh/base/bytes.hpp"
#include "mesh/base/ids.hpp"

/// Rendezvous hashing (highest random weight; Thaler and Ravishankar, 1998): whoever knows the same members names the same
/// ones for a key, without a word between them, and a member that comes or goes moves only its own share.
namespace tulle::mesh {

[[nodiscard]] inline std::uint64_t rendezvous_weight(OriginId oid, std::uint64_t key_hash) {
    std::uint64_t mixed = key_hash ^ (oid.value * 0x9e3779b97f4a7c15ULL);
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ULL;  // SplitMix64's finish
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebULL;
    return mixed ^ (mixed >> 31);
}

/// The first `count` of `members` for `key`, best first; all of them when there are fewer. Cost: O(members × count).
[[nodiscard]] inline std::vector<OriginId> rendezvous(const std::vector<OriginId>& members, std::string_view key,
                                                      std::size_t count) {
    const std::uint64_t hash = stable_hash(key);
    std::vector<std::pair<std::uint64_t, OriginId>> best;
    for (const OriginId oid : members) {
        const std::pair candidate{rendezvous_weight(oid, hash), oid};
        const auto place = std::find_if(best.begin(), best.end(), [&](const auto& held) { return held < candidate; });
        if (best.size() == count && place == best.end()) {
            continue;
        }
        best.insert(place, candidate);
        if (best.size() > count) {
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
