#pragma once

#include <algorithm>
#include <optional>

#include "mesh/base/time.hpp"
#include "node/pusher/core/limits.hpp"

namespace tulle::node {

/// Waits for changes to come to rest: kReloadQuiet after the last one, but not longer than kReloadPatience after the
/// first.
class Settling {
public:
    void on_change(Instant now) {
        first_ = first_.value_or(now);
        last_ = now;
    }

    /// When to act; nothing when nothing has changed.
    [[nodiscard]] std::optional<Instant> deadline() const {
        return first_ ? std::optional(std::min(last_ + kReloadQuiet, *first_ + kReloadPatience)) : std::nullopt;
    }

    /// Whether to act now; then what has changed is dealt with.
    [[nodiscard]] bool take(Instant now) {
        const bool is_due = first_ && now >= *deadline();
        if (is_due) {
            first_.reset();
        }
        return is_due;
    }

private:
    std::optional<Instant> first_;
    Instant last_{};
};

}  // namespace tulle::node
