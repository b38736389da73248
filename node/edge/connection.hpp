#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "mesh/base/time.hpp"
#include "node/core/slot.hpp"
#include "node/edge/outbox_writer.hpp"

namespace tulle::node {

/// A socket whose executor is a concrete type: no type erasure on the hot path.
using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

/// What a reactor knows of a connection. Confined to the reactor's thread; lives until it has left the reactor and its
/// last handler has run.
class Connection : public std::enable_shared_from_this<Connection> {
public:
    Connection() = default;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    virtual ~Connection() = default;

    /// The deadline that it had armed in the wheel has come.
    virtual void on_deadline(Instant now) = 0;
    /// It had asked for it (call_at_turn_end), and the turn ends. Before any outbox is written.
    virtual void on_turn_end(Instant now) = 0;
    /// It had been marked dirty: appends what it has to write, if anything, taken out of its outbox.
    virtual void take_write(std::vector<WriteJob>& jobs) = 0;
    /// What has come of that, if not all was taken or the job asked for it.
    virtual void on_written(Written written) = 0;
    /// The node is going away: end in good order, soon.
    virtual void drain(Instant now) = 0;
    /// Something has been thrown while its work was done (Reactor::guard): it must end at once, whatever state it is
    /// in. An exception in here ends the process.
    virtual void on_failure() = 0;
    /// The node does not wait any longer: end now.
    virtual void cut() = 0;

    [[nodiscard]] Slot slot() const { return slot_; }

private:
    friend class Reactor;
    bool is_dirty_ = false;
    bool is_in_reactor_ = false;
    bool has_failed_ = false;
    Slot slot_;
};

}  // namespace tulle::node
