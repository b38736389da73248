#pragma once

#include "mesh/base/time.hpp"

namespace tulle::mesh {

/// The hub's turns, for a thread that has a loop of its own and hosts the hub in it. What that thread pushes into the
/// hub's mailbox wakes nobody: it sees itself that a turn is due.
///
/// Thread: all of it on the host's.
class HubTurns {
public:
    HubTurns() = default;
    HubTurns(const HubTurns&) = delete;
    HubTurns& operator=(const HubTurns&) = delete;
    virtual ~HubTurns() = default;

    /// Once, before the first turn: from here on this thread is the host.
    virtual void begin() = 0;
    /// Readable, as often as it is asked, while something waits for a turn that others have brought.
    [[nodiscard]] virtual int descriptor() const = 0;
    /// The host has pushed something since the last turn.
    [[nodiscard]] virtual bool is_pushed() const = 0;
    /// No turn does anything any more, and the descriptor may stay readable.
    [[nodiscard]] virtual bool has_failed() const = 0;
    /// One turn; what it has for the shards is in their mailboxes afterwards. `is_readable`: the descriptor may be.
    /// When the next is due at the latest: a time that has passed when there is more to do now.
    virtual Instant run(bool is_readable) = 0;
};

}  // namespace tulle::mesh
