#pragma once

#include <cstddef>

#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include "mesh/core/hub_turns.hpp"
#include "node/edge/reactor.hpp"

namespace tulle::node {

/// Runs the hub on a reactor's thread: its turns are taken at the end of the reactor's.
///
/// Thread: the reactor's, but for the constructor.
class HostedHub {
public:
    /// Turns of the hub in one of the reactor's: one that is due, and those that what it gave the shard to say brings
    /// about. What else the hub has to do waits for the reactor's next turn.
    static constexpr std::size_t kMaxTurns = 4;

    HostedHub(Reactor& reactor, mesh::HubTurns& turns);
    ~HostedHub();
    HostedHub(const HostedHub&) = delete;
    HostedHub& operator=(const HostedHub&) = delete;

    /// Before the reactor runs.
    void begin();
    /// At the end of the reactor's turn. The handler that tells of the descriptor stands behind those of clients that
    /// were ready before it, and these may be many and slow: after a turn that was too long the hub's descriptor is
    /// looked at itself.
    void look();
    [[nodiscard]] bool is_due() const;
    /// Due, because the shard has said something.
    [[nodiscard]] bool is_pushed() const { return turns_.is_pushed(); }
    /// A turn.
    void run();
    /// After the turns: the reactor is woken for the next one.
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
