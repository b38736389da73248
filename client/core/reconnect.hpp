#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "mesh/base/prng.hpp"
#include "mesh/base/time.hpp"

namespace tulle::client {

/// What the end of a connection asks of the client.
enum class Reaction : std::uint8_t {
    kFatal,    ///< would be refused again: do not come back
    kBackoff,  ///< overloaded: come back, but not soon
    kAtOnce,   ///< going away in good order: come back now
    kRetry,    ///< anything else
};

/// By the close code of a WebSocket; no code for a connection that broke or was never made.
[[nodiscard]] Reaction reaction_to(std::optional<int> close_code);

struct ReconnectConfig {
    Duration delay_min = 250ms;
    Duration delay_max = 15s;
    Duration stable_after = 10s;  ///< a connection that held this long makes the failures before it forgotten
};

struct Attempt {
    std::size_t server = 0;
    Instant at{};
    friend bool operator==(const Attempt&, const Attempt&) = default;
};

/// Which server to try next, and when: in the order of the list, round and round, starting with the first.
///
/// Delays: the ceiling is delay_min, doubled with every full round of failures, at most delay_max. A retry waits a
/// random
///         time below the ceiling, so that the clients of a dead node do not all come at once. A back-off waits
///         delay_min on top. "At once" is taken at its word for one round; then it is a retry, as all the servers say
///         the same.
class ReconnectPolicy {
public:
    /// `servers` > 0.
    ReconnectPolicy(std::size_t servers, ReconnectConfig config, Prng prng);

    [[nodiscard]] Attempt first(Instant now) const;
    void on_connected(Instant now);
    /// `reaction` is not kFatal.
    [[nodiscard]] Attempt after_failure(Instant now, Reaction reaction);

private:
    [[nodiscard]] Duration delay(Reaction reaction);

    std::size_t servers_;
    ReconnectConfig config_;
    Prng prng_;
    std::size_t current_ = 0;
    std::uint64_t failures_ = 0;  ///< since the last stable connection
    std::optional<Instant> connected_since_;
};

}  // namespace tulle::client
