#include "mesh/core/node/rebinding.hpp"

#include <algorithm>

#include "mesh/base/assert.hpp"
#include "mesh/core/node/numbers.hpp"

namespace tulle::mesh {

static_assert(Timing{}.rebind_notice >= 4 * Timing{}.heartbeat, "a lost heartbeat must not lose the announcement");
static_assert(Timing{}.rebind_notice + Timing{}.rebind_grace < std::chrono::milliseconds(kMaxRebindMs));

void Rebinding::begin(Instant now) {
    if (bind_at_) {
        return;
    }
    const Timing& timing = context_.timing();
    if (context_.sessions().empty()) {
        bind_at_ = now;
    } else {
        const auto spread = static_cast<std::uint64_t>(timing.rebind_spread / 1us);
        announce_at_ = now + std::chrono::microseconds(prng_.below(spread + 1));
        bind_at_ = *announce_at_ + timing.rebind_notice;
    }
    over_at_ = *bind_at_ + timing.rebind_grace;
}

void Rebinding::write(Instant now, Heartbeat& heartbeat) const {
    if (announce_at_ || now >= over_at_) {
        return;
    }
    // Rounded up, as the last part of a millisecond counts too.
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(over_at_ - now).count();
    TULLE_ASSERT(left > 0 && left <= kMaxRebindMs);
    heartbeat.rebind_ms = static_cast<std::uint32_t>(left);
}

void Rebinding::tick(Instant now, Effects& out) {
    if (announce_at_ && *announce_at_ <= now) {
        announce_at_.reset();
        // A late turn must not shorten the notice.
        bind_at_ = std::max(*bind_at_, now + context_.timing().rebind_notice);
        over_at_ = *bind_at_ + context_.timing().rebind_grace;
        pulse_.hurry_all(now);
    }
    if (!announce_at_ && bind_at_ && *bind_at_ <= now) {
        bind_at_.reset();
        over_at_ = now + context_.timing().rebind_grace;
        out.push_back(Rebind{});
    }
}

std::optional<Instant> Rebinding::next_deadline() const {
    return announce_at_ ? announce_at_ : bind_at_;
}

}  // namespace tulle::mesh
