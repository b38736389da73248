#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

#include "mesh/base/time.hpp"
#include "mesh/core/node/effects.hpp"

namespace tulle::mesh {

/// Writes the notices of the core to the log, as the core itself has no log, and hands each notice to whoever listens.
///
/// Thread: confined to the hub. `listen` is called before the hub starts.
/// Limits: kLinesPerKind lines of a kind within kSpan. Further notices of the kind are counted, and the first line
///         after the span says how many; the listener gets all of them.
class NoticeLog {
public:
    /// More than a mesh of fifty nodes needs when half of the nodes are cut off at once and come back.
    static constexpr std::uint32_t kLinesPerKind = 100;
    static constexpr Duration kSpan = 60s;

    /// `listener` is called on the hub's thread, and must not wait.
    void listen(std::function<void(const Notice&)> listener) { listener_ = std::move(listener); }
    void write(Instant now, const Notice& notice);

private:
    /// What was written of a kind since `begin`.
    struct Span {
        Instant begin = Instant::min();
        std::uint32_t lines = 0;
        std::uint64_t left_out = 0;
    };

    std::function<void(const Notice&)> listener_;
    std::array<Span, kEventKindNames.size()> spans_{};
};

}  // namespace tulle::mesh
