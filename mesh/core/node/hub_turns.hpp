#pragma once

#include "mesh/base/time.hpp"

namespace tulle::mesh {

/// The hub's turns, for a thread with a loop of its own that hosts the hub. Messages pushed into the hub's mailbox by
/// the host thread wake nobody; the host itself sees by is_pushed() that a turn is due.
///
/// Thread: all functions on the host's thread.
/// Errors: after an error in a turn has_failed() is true.
class HubTurns {
public:
    HubTurns() = default;
    HubTurns(const HubTurns&) = delete;
    HubTurns& operator=(const HubTurns&) = delete;
    virtual ~HubTurns() = default;

    /// Call once, before the first turn: from here on the calling thread is the host.
    virtual void begin() = 0;
    /// A file descriptor for poll: readable while work from others waits for a turn.
    [[nodiscard]] virtual int descriptor() const = 0;
    /// True when the host has pushed something since the last turn.
    [[nodiscard]] virtual bool is_pushed() const = 0;
    /// True when no turn does anything any more. The descriptor may then stay readable, so the host must stop polling.
    [[nodiscard]] virtual bool has_failed() const = 0;
    /// Runs a turn; the messages for the shards are in their mailboxes afterwards. `is_readable`: the descriptor may be
    /// readable. Returns the latest moment for the next turn, a moment in the past when there is more to do at once.
    virtual Instant run(bool is_readable) = 0;
};

}  // namespace tulle::mesh
