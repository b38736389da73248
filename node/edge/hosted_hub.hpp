#pragma once

#include <cstddef>

#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include "mesh/core/node/hub_turns.hpp"
#include "node/edge/reactor.hpp"

namespace tulle::node {

/// Runs the hub on a reactor's thread: the hub's turns are taken at the end of the reactor's turns.
///
/// Thread: the reactor's, but for the constructor.
class HostedHub {
public:
    /// The most turns of the hub in one turn of the reactor: one turn that is due, and further turns caused by what the
    /// first one made the shard say. Other work of the hub waits for the reactor's next turn.
    static constexpr std::size_t kMaxTurns = 4;

    HostedHub(Reactor& reactor, mesh::HubTurns& turns);
    ~HostedHub();
    HostedHub(const HostedHub&) = delete;
    HostedHub& operator=(const HostedHub&) = delete;

    /// Call before the reactor runs.
    void begin();
    /// Call at the end of the reactor's turn. Finds out whether the hub's descriptor is readable when the turn was too
    /// long: the handler that tells of the descriptor stands behind the handlers of clients that were ready before, and
    /// these can be many and slow.
    void look();
    [[nodiscard]] bool is_due() const;
    /// Whether the hub is due because the shard has said something.
    [[nodiscard]] bool is_pushed() const { return turns_.is_pushed(); }
    /// Takes one turn of the hub.
    void run();
    /// Call after the turns. Has the reactor woken for the hub's next turn.
    void watch();

private:
    Reactor& reactor_;
    mesh::HubTurns& turns_;
    boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type> descriptor_;  ///< the hub's
    Instant next_ = Instant::min();
    bool is_readable_ = false;
    bool is_watching_ = false;
};

}  // namespace tulle::node
