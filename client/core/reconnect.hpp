#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "mesh/base/prng.hpp"
#include "mesh/base/time.hpp"

namespace tulle::client {

/// The client's reaction to the end of a connection.
enum class Reaction : std::uint8_t {
    /// The server would refuse again: give up.
    kFatal,
    /// The server is overloaded: come back after a longer delay.
    kBackoff,
    /// The server is shutting down in order: come back now.
    kAtOnce,
    /// Any other end: come back after a random delay.
    kRetry,
};

/// The reaction to the close code of a WebSocket. Pass nothing for a connection broken or never made.
[[nodiscard]] Reaction reaction_to(std::optional<int> close_code);

/// The delays of a ReconnectPolicy.
struct ReconnectConfig {
    /// The ceiling of the first random delay; must be positive.
    Duration delay_min = 250ms;
    /// The largest ceiling; at least `delay_min`.
    Duration delay_max = 15s;
    /// A connection lasting at least as long resets the count of failures.
    Duration stable_after = 10s;
};

/// The next try: the index of the server and the time.
struct Attempt {
    std::size_t server = 0;
    Instant at{};
    friend bool operator==(const Attempt&, const Attempt&) = default;
};

/// Chooses the next server and the time of the next try. The servers follow each other in the order of the list, round
/// and round, beginning with the first.
///
/// Thread: confined to its owner.
/// Delays: the ceiling is `delay_min`, doubled with every full round of failures, at most `delay_max`. A retry waits a
///         random time below the ceiling, so that the clients of a dead node do not all return at the same moment. A
///         back-off waits `delay_min` in addition. "At once" means no delay for one round of the servers. After a full
///         round all servers have said "at once", so the client treats the next end as a retry.
class ReconnectPolicy {
public:
    /// REQUIRES: `servers` > 0 and 0 < `delay_min` <= `delay_max`.
    ReconnectPolicy(std::size_t servers, ReconnectConfig config, Prng prng);

    /// The first try: the first server, without a delay.
    [[nodiscard]] Attempt first(Instant now) const;
    /// The server has named the connection. Needed to recognise a stable connection.
    void on_connected(Instant now);
    /// Moves on to the next server. REQUIRES: `reaction` is not kFatal.
    [[nodiscard]] Attempt after_failure(Instant now, Reaction reaction);

private:
    /// The delay before the next try, given the failures so far.
    [[nodiscard]] Duration delay(Reaction reaction);

    std::size_t servers_;
    ReconnectConfig config_;
    Prng prng_;
    std::size_t current_ = 0;
    /// Failures since the last stable connection.
    std::uint64_t failures_ = 0;
    std::optional<Instant> connected_since_;
};

}  // namespace tulle::client
