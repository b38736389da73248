#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "mesh/io/zmq_sockets.hpp"

namespace tulle::mesh {

/// Ends TCP connections of a socket that belongs to libzmq, which has no call for it.
///
/// Thread: confined to its owner. Needs no descriptor when it is used: the two that it needs are held from the start. Throws
/// std::system_error when these can't be had.
class ConnectionCutter {
public:
    ConnectionCutter();
    ~ConnectionCutter();
    ConnectionCutter(const ConnectionCutter&) = delete;
    ConnectionCutter& operator=(const ConnectionCutter&) = delete;

    /// False, and nothing is done, when `fd` is no connection of `local_port`: libzmq closes descriptors whenever it likes, and the
    /// number may be another's by now.
    [[nodiscard]] bool cut(int fd, std::uint16_t local_port);

private:
    int null_;
    int hand_;  ///< another reference to what is cut, so that it stays the same between the look and the cut
};

/// Knows who has connected to a bound socket and bounds the number of connections, as libzmq accepts all that come: past
/// `limit` the oldest one that has not said a word yet is ended: when all others have spoken, the one that has just come. Peers
/// speak as soon as they are connected, so idle strangers make room for them.
///
/// Thread: confined to the hub. libzmq accepts on a thread of its own: between two calls of collect there may be more.
/// Cost:   one set look-up for each connection that comes or goes.
class InboundWatch {
public:
    struct Counters {
        std::uint64_t refused = 0;  ///< spoke something else than ZMTP 3: a browser, an old library
        std::uint64_t cut = 0;      ///< ended by us: over the limit, or for what they sent
    };

    /// `bound` outlives it.
    InboundWatch(MonitoredSocket& bound, std::uint16_t port, std::size_t limit);

    [[nodiscard]] Inlet& events() { return bound_.events(); }
    /// Looks at what has come and gone.
    void collect();
    /// A message that makes sense has come from there; `fd` as libzmq tells it of a message. How many this connection has sent
    /// by now; 0 when it has ended since, or is cut.
    std::size_t spoke(int fd);
    /// Ends this connection, whose peer sends what none of ours does.
    void cut(int fd);
    [[nodiscard]] std::size_t size() const { return connections_.size(); }
    [[nodiscard]] const Counters& counters() const { return counters_; }

private:
    struct Connection {
        std::uint64_t number = 0;  ///< in order of arrival
        std::size_t words = 0;     ///< messages that made sense
        bool is_cut = false;
    };

    void accepted(int fd);
    void disconnected(int fd);
    void make_room();
    void forget(int fd);

    MonitoredSocket& bound_;
    const std::uint16_t port_;
    const std::size_t limit_;
    ConnectionCutter cutter_;
    std::map<int, Connection> connections_;             ///< by descriptor; those that are cut stay until libzmq has closed them
    std::set<std::pair<std::uint64_t, int>> silent_;    ///< by number: not cut, and have not spoken
    std::uint64_t last_number_ = 0;
    std::size_t cut_open_ = 0;                          ///< in connections_, cut
    bool is_unfinished_ = false;  ///< the last event was: a connection broke in its handshake; its end comes next
    Counters counters_;
};

}  // namespace tulle::mesh
