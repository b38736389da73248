#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "mesh/base/time.hpp"
#include "node/core/slot.hpp"
#include "node/edge/outbox_writer.hpp"
#include "node/edge/socket.hpp"

namespace tulle::node {

/// A connection as the reactor sees a connection. A connection is confined to the reactor's thread, and lives until the
/// connection has left the reactor and its last handler has run.
///
/// Errors: an exception out of a method below, apart from on_failure, ends this connection alone (Reactor::guard).
class Connection : public std::enable_shared_from_this<Connection> {
public:
    Connection() = default;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    virtual ~Connection() = default;

    /// The deadline of Reactor::arm has come.
    virtual void on_deadline(Instant now) = 0;
    /// The turn ends, after call_at_turn_end of this turn. No outbox has been written yet.
    virtual void on_turn_end(Instant now) = 0;
    /// The connection has been marked dirty. Appends a job with the bytes that wait in the outbox, and takes the bytes
    /// out of the outbox. Appends nothing when nothing waits.
    virtual void take_write(std::vector<WriteJob>& jobs) = 0;
    /// The result of a job of take_write. Called when the kernel did not take everything, or when the job asked for the
    /// result.
    virtual void on_written(Written written) = 0;
    /// The node is going away: the connection ends in good order, soon.
    virtual void drain(Instant now) = 0;
    /// An exception was thrown during this connection's work (Reactor::guard). The connection must end at once, in any
    /// state. An exception out of on_failure ends the process.
    virtual void on_failure() = 0;
    /// The node waits no longer: the connection ends now.
    virtual void cut() = 0;

    /// The connection's place in the reactor. Valid from Reactor::add until the connection has been freed.
    [[nodiscard]] Slot slot() const { return slot_; }

private:
    friend class Reactor;
    /// The connection is in the reactor's list of connections with bytes to write.
    bool is_dirty_ = false;
    /// False before Reactor::add and after Reactor::remove.
    bool is_in_reactor_ = false;
    /// The connection is in the reactor's list of connections to end.
    bool has_failed_ = false;
    Slot slot_;
};

}  // namespace tulle::node
