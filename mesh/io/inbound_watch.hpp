#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "mesh/base/time.hpp"
#include "mesh/io/zmq_sockets.hpp"

namespace tulle::mesh {

/// Ends TCP connections of a socket that belongs to libzmq, which has no call for it.
///
/// Thread: confined to its owner. Needs no descriptor when it is used: the two that it needs are held from the start.
/// Throws std::system_error when these can't be had.
class ConnectionCutter {
public:
    ConnectionCutter();
    ~ConnectionCutter();
    ConnectionCutter(const ConnectionCutter&) = delete;
    ConnectionCutter& operator=(const ConnectionCutter&) = delete;

    /// False, and nothing is done, when `fd` is no connection of `local_port`: libzmq closes descriptors whenever it
    /// likes, and the number may be another's by now.
    [[nodiscard]] bool cut(int fd, std::uint16_t local_port);

private:
    int null_;
    int hand_;  ///< another reference to what is cut, so that it stays the same between the look and the cut
};

/// Knows who has connected to a bound socket and bounds the number of connections, as libzmq accepts all that come:
/// past Limits::connections, or Limits::silent, the oldest one that has not said a word yet is ended: when all others
/// have spoken, the one that has just come. Peers speak as soon as they are connected, so idle strangers make room for
/// them.
///
/// It also bounds what waits in libzmq. High-water marks don't: they count messages, whose lengths differ by a million,
/// and a message of many parts counts only when its last part has come. So what the kernel has received of a connection
/// is compared with what was taken out; a connection of which more than `waiting_bytes` wait is ended, and when more
/// than kTotalFactor times as much wait of all, the one of which most do.
///
/// A part without content is 2 bytes on the wire and 64 in libzmq, and nobody can take it out before the last part has
/// come. So less may wait of a message that is not whole: what libzmq had read at one look, and what is still there at
/// the next one though a receive in between found nothing, belongs to such a message. `unfinished_bytes` of it end the
/// connection, and kUnfinishedFactor times as much of all end the one that has most. A peer's message is one part and
/// has its greatest length, so no pause and no burst of a peer comes to that.
///
/// Thread: confined to the hub. libzmq accepts and receives on a thread of its own: between two looks there may be
/// more.
/// Cost:   one set look-up for each connection that comes or goes; a system call for each at a look, kMostLooked at
///         most.
class InboundWatch {
public:
    struct Counters {
        std::uint64_t refused = 0;  ///< spoke something else than ZMTP 3: a browser, an old library
        std::uint64_t cut = 0;      ///< ended by us: over a limit, or for what they sent
    };
    struct Limits {
        std::size_t connections = 0;
        std::size_t silent = 0;  ///< of these, that have not said a word yet
        std::uint64_t waiting_bytes = 0;
        std::uint64_t unfinished_bytes = 0;  ///< 0: not looked at
    };
    static constexpr std::uint64_t kTotalFactor = 4;
    /// more than long messages of peers are ever under way at once
    static constexpr std::uint64_t kUnfinishedFactor = 16;
    static constexpr Duration kBetweenLooks = 50ms;  ///< when there are turns; a turn is asked for after kLongestPause
    static constexpr Duration kLongestPause = 250ms;
    static constexpr std::size_t kMostLooked = 128;  ///< in one look; the next goes on from there

    /// `bound` outlives it.
    InboundWatch(MonitoredSocket& bound, std::uint16_t port, Limits limits);

    [[nodiscard]] Inlet& events() { return bound_.events(); }
    /// Looks at what has come and gone.
    void collect();
    /// A message that makes sense has come from there; `fd` as libzmq tells it of a message. How many this connection
    /// has sent by now; 0 when it has ended since, or is cut.
    std::size_t spoke(int fd);
    /// So much of what it has sent was taken out of libzmq.
    void took(int fd, std::size_t bytes);
    /// Looks at how much waits, if it is time to; false: it is not.
    bool look(Instant now);
    /// A receive has found nothing: no whole message waits in libzmq.
    void drained() { ++drains_; }
    /// When the next look is due, though nothing else happens.
    [[nodiscard]] Instant look_at() const;
    /// It has been ended by us, and libzmq has not closed it yet.
    [[nodiscard]] bool is_cut(int fd) const;
    /// Ends this connection, whose peer sends what none of ours does.
    void cut(int fd);
    /// The same for one that libzmq has perhaps told of since the last collect.
    void cut_latest(int fd);
    [[nodiscard]] std::size_t size() const { return connections_.size(); }
    [[nodiscard]] const Counters& counters() const { return counters_; }

private:
    struct Connection {
        std::uint64_t number = 0;  ///< in order of arrival
        std::size_t words = 0;     ///< messages that made sense
        bool is_cut = false;
        std::uint64_t received = 0;  ///< by the kernel, at the last look
        std::uint64_t taken = 0;     ///< since the last look
        std::uint64_t waiting = 0;   ///< at the last look
        std::uint64_t read = 0;      ///< of these, by libzmq
        /// of these, what belongs to a message that is not whole; as of the last look that knew
        std::uint64_t unfinished = 0;
        std::uint64_t drains = 0;  ///< at the last look
        Instant looked_at{};
    };

    /// Also of one that libzmq has told of since the last collect.
    [[nodiscard]] std::map<int, Connection>::iterator find(int fd);
    void accepted(int fd);
    void disconnected(int fd);
    void make_room();
    void forget(int fd);
    void look(Instant now, int fd, Connection& connection);
    void cut_largest(std::uint64_t Connection::*by);

    MonitoredSocket& bound_;
    const std::uint16_t port_;
    const Limits limits_;
    ConnectionCutter cutter_;
    /// by descriptor; those that are cut stay until libzmq has closed them
    std::map<int, Connection> connections_;
    std::set<std::pair<std::uint64_t, int>> silent_;  ///< by number: not cut, and have not spoken
    std::uint64_t last_number_ = 0;
    std::size_t cut_open_ = 0;    ///< in connections_, cut
    bool is_unfinished_ = false;  ///< the last event was: a connection broke in its handshake; its end comes next
    Instant looked_at_{};
    int next_looked_ = 0;           ///< the first descriptor of the next look
    std::uint64_t waiting_ = 0;     ///< of all, at their last looks
    std::uint64_t unfinished_ = 0;  ///< the same
    std::uint64_t drains_ = 0;
    Counters counters_;
};

}  // namespace tulle::mesh
