#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "node/core/counter.hpp"

namespace tulle::node {

/// The codes of WebSocket Close frames that are counted each by itself: those of RFC 6455 (7.4.1) and its registry, and
/// those of the protocols above that the node sends. 1005 stands for a Close frame without a code, and 1006 for an end
/// without any Close frame.
inline constexpr auto kCloseCodes =
    std::to_array<std::uint16_t>({1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013,
                                  1014, 4001, 4003, 4004, 4005, 4006, 4007, 4008, 4009, 4100, 4200, 4201, 4202});
inline constexpr std::uint16_t kNoCloseCode = 1005;
inline constexpr std::uint16_t kNoCloseFrame = 1006;

/// The HTTP statuses that the node answers with. 101 is the opening of a WebSocket.
inline constexpr auto kHttpStatuses = std::to_array<std::uint16_t>(
    {101, 200, 204, 400, 401, 403, 404, 405, 408, 413, 414, 415, 417, 426, 429, 431, 501, 503, 505});

/// Counts by a code of a bounded set, so that peers cannot make up labels of a metric. All codes outside of `kKnown`,
/// which is in ascending order, are counted together.
///
/// Thread: a single thread counts, any thread reads.
/// Errors: none.
template <const auto& kKnown>
class CodeCounts {
public:
    static_assert(std::is_sorted(kKnown.begin(), kKnown.end()));
    /// The number of counts: one for each known code, in the order of kKnown, and the last for all others.
    static constexpr std::size_t kSize = kKnown.size() + 1;

    void add(std::uint64_t code) {
        const auto found = std::lower_bound(kKnown.begin(), kKnown.end(), code);
        const bool is_known = found != kKnown.end() && *found == code;
        counts_[is_known ? static_cast<std::size_t>(found - kKnown.begin()) : kSize - 1].add();
    }
    /// REQUIRES: index < kSize.
    [[nodiscard]] std::uint64_t at(std::size_t index) const { return counts_[index].get(); }

private:
    std::array<Counter, kSize> counts_;
};

}  // namespace tulle::node
