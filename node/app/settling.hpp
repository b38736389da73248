#pragma once

#include <algorithm>
#include <optional>

#include "mesh/base/time.hpp"
#include "node/pusher/core/limits.hpp"

namespace tulle::node {

/// Waits until changes come to rest: kReloadQuiet after the last change, but at most kReloadPatience after the first.
///
/// Thread: the owner's. Time: `now` must not go backwards.
class Settling {
public:
    /// Notes a change at `now`.
    void on_change(Instant now) {
        first_ = first_.value_or(now);
        last_ = now;
    }

    /// The time to act; nothing without a change.
    [[nodiscard]] std::optional<Instant> deadline() const {
        return first_ ? std::optional(std::min(last_ + kReloadQuiet, *first_ + kReloadPatience)) : std::nullopt;
    }

    /// True when the time to act has come. The changes so far then count as dealt with.
    [[nodiscard]] bool take(Instant now) {
        const bool is_due = first_ && now >= *deadline();
        if (is_due) {
            first_.reset();
        }
        return is_due;
    }

private:
    /// The first change that has not been dealt with.
    std::optional<Instant> first_;
    Instant last_{};
};

}  // namespace tulle::node
