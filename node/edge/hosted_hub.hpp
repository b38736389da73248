#pragma once

#include <cstddef>

#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include "mesh/core/node/hub_turns.hpp"
#include "node/edge/reactor.hpp"

namespace tulle::node {

/// Runs the hub on a reactor's thread: the hub's turns are taken at the end of the reactor's turns.
///
/// Thread: the reactor's, but for the constructor.
/// Errors: the hub reports its own failures (HubTurns::has_failed); a failed hub has no further turns.
class HostedHub {
public:
    /// The most turns of the hub in a turn of the reactor: a turn that is due, and further turns caused by the messages
    /// that the shard sends in answer. Other work of the hub waits for the reactor's next turn.
    static constexpr std::size_t kMaxTurns = 4;

    /// Both must outlive the object.
    HostedHub(Reactor& reactor, mesh::HubTurns& turns);
    ~HostedHub();
    HostedHub(const HostedHub&) = delete;
    HostedHub& operator=(const HostedHub&) = delete;

    /// Begins the hub on the calling thread. Call before the reactor runs.
    void begin();
    /// Call at the end of the reactor's turn. After a turn that was cut short, asks the kernel whether the hub's
    /// descriptor is readable: the handler for the descriptor waits behind the handlers of ready clients, and such
    /// handlers can be many and slow.
    void look();
    /// True when a turn of the hub is due: by its descriptor, by a message of the shard, or by time.
    [[nodiscard]] bool is_due() const;
    /// True when the hub is due because the shard has sent a message.
    [[nodiscard]] bool is_pushed() const { return turns_.is_pushed(); }
    /// Takes a turn of the hub.
    void run();
    /// Call after the turns. Has the reactor woken for the hub's next turn.
    void watch();

private:
    Reactor& reactor_;
    mesh::HubTurns& turns_;
    /// The hub's descriptor, borrowed: released in the destructor, not closed.
    boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type> descriptor_;
    /// The time at which the hub's next turn is due at the latest.
    Instant next_ = Instant::min();
    /// The descriptor has been seen readable since the last turn.
    bool is_readable_ = false;
    /// A wait for the descriptor is under way.
    bool is_watching_ = false;
};

}  // namespace tulle::node
