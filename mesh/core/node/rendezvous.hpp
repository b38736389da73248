#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "mesh/base/bytes.hpp"
#include "mesh/base/ids.hpp"

/// Highest random weight (Thaler, Ravishankar 1998): who of the members is responsible for a key. Equal sets of members
/// give equal answers on every machine, in whatever order; a member more or less moves only the keys that are its own.
namespace tulle::mesh {

/// How strongly the member wants the key whose stable_hash is `key_hash`. Ties do not happen: the function is
/// one-to-one in the oid.
[[nodiscard]] inline std::uint64_t rendezvous_weight(OriginId oid, std::uint64_t key_hash) {
    std::uint64_t z = oid.value * 0x9e3779b97f4a7c15ULL ^ key_hash;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

/// The one member responsible for the key; 0 when there are none.
[[nodiscard]] inline OriginId duty_node(std::span<const OriginId> members, std::uint64_t key_hash) {
    std::pair<std::uint64_t, OriginId> best{};
    for (const OriginId oid : members) {
        best = std::max(best, {rendezvous_weight(oid, key_hash), oid});
    }
    return best.second;
}

[[nodiscard]] inline OriginId duty_node(std::span<const OriginId> members, std::string_view key) {
    return duty_node(members, stable_hash(key));
}

/// The `k` members most responsible for the key, the first of them first; all when there are fewer. Cost: O(members ×
/// k).
[[nodiscard]] inline std::vector<OriginId> keepers(std::span<const OriginId> members, std::string_view key,
                                                   std::size_t k) {
    const std::uint64_t key_hash = stable_hash(key);
    std::vector<std::pair<std::uint64_t, OriginId>> best;
    for (const OriginId oid : members) {
        const std::pair candidate{rendezvous_weight(oid, key_hash), oid};
        const auto place = std::find_if(best.begin(), best.end(), [&](const auto& held) { return held < candidate; });
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
