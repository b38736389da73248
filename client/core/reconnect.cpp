#include "client/core/reconnect.hpp"

#include <algorithm>

#include "mesh/base/assert.hpp"

namespace tulle::client {

Reaction reaction_to(std::optional<int> close_code) {
    if (!close_code) {
        return Reaction::kRetry;
    }
    const int code = *close_code;
    // Below 4000: the codes of RFC 6455. 1002 to 1004 are protocol errors, so a quick retry would probably fail again.
    if (code < 4000) {
        return code >= 1002 && code <= 1004 ? Reaction::kBackoff : Reaction::kRetry;
    }
    // The ranges of the Pusher protocol: 4000-4099 refused, 4100-4199 back off, 4200-4299 reconnect at once. Higher
    // codes are refusals as well.
    if (code < 4100 || code >= 4300) {
        return Reaction::kFatal;
    }
    return code < 4200 ? Reaction::kBackoff : Reaction::kAtOnce;
}

ReconnectPolicy::ReconnectPolicy(std::size_t servers, ReconnectConfig config, Prng prng)
    : servers_(servers), config_(config), prng_(prng) {
    TULLE_ASSERT(servers > 0);
    TULLE_ASSERT(config.delay_min > Duration::zero() && config.delay_min <= config.delay_max);
}

Attempt ReconnectPolicy::first(Instant now) const {
    return Attempt{current_, now};
}

void ReconnectPolicy::on_connected(Instant now) {
    connected_since_ = now;
}

Attempt ReconnectPolicy::after_failure(Instant now, Reaction reaction) {
    TULLE_ASSERT(reaction != Reaction::kFatal);
    // Only a stable connection clears the failures. Otherwise a server closing each connection quickly would be dialled
    // without delays.
    if (connected_since_ && now - *connected_since_ >= config_.stable_after) {
        failures_ = 0;
    }
    connected_since_.reset();
    const Duration wait = delay(reaction);
    ++failures_;
    current_ = (current_ + 1) % servers_;
    return Attempt{current_, now + wait};
}

Duration ReconnectPolicy::delay(Reaction reaction) {
    // After one full round every server has sent "reconnect at once": the whole cluster is going down.
    if (reaction == Reaction::kAtOnce && failures_ < servers_) {
        return Duration::zero();
    }
    // The comparison with half of the maximum keeps the doubling from overflowing.
    Duration ceiling = config_.delay_min;
    for (std::uint64_t round = failures_ / servers_; round > 0 && ceiling < config_.delay_max; --round) {
        ceiling = ceiling > config_.delay_max / 2 ? config_.delay_max : ceiling * 2;
    }
    // A uniformly random delay spreads the clients of a dead node.
    const Duration jitter{static_cast<Duration::rep>(prng_.below(static_cast<std::uint64_t>(ceiling.count())))};
    if (reaction == Reaction::kBackoff) {
        return std::min(config_.delay_min + jitter, config_.delay_max);
    }
    return jitter;
}

}  // namespace tulle::client
