#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "mesh/base/time.hpp"
#include "mesh/io/zmq_sockets.hpp"

namespace tulle::mesh {

/// Ends TCP connections of a socket owned by libzmq. libzmq itself has no call to end a connection.
///
/// Thread: confined to its owner.
/// Limits: needs no further descriptor at the time of use, because the constructor takes two descriptors in advance. So
///         a cut works even when the process has run out of descriptors.
/// Errors: the constructor throws std::system_error when there are no two descriptors.
class ConnectionCutter {
public:
    ConnectionCutter();
    ~ConnectionCutter();
    ConnectionCutter(const ConnectionCutter&) = delete;
    ConnectionCutter& operator=(const ConnectionCutter&) = delete;

    /// Shuts the connection `fd` down in both directions. Returns false, without effect, when `fd` is not a connection
    /// of `local_port`: libzmq closes descriptors at any time, and the number may already name something else.
    [[nodiscard]] bool cut(int fd, std::uint16_t local_port);

private:
    /// /dev/null, put into `hand_` between two cuts.
    int null_;
    /// A second reference to the connection being cut, so that the connection stays the same between the check and the
    /// cut.
    int hand_;
};

/// Tracks the connections to a bound socket, and bounds their number and their unread bytes. libzmq accepts every
/// connection.
///
/// Number of connections: beyond Limits::connections, or beyond Limits::silent, the watch ends the oldest connection
/// without any message so far. When all others have spoken, the newest connection ends. Peers speak as soon as a
/// connection stands, so idle strangers make room for peers.
///
/// Waiting bytes: libzmq's high-water marks do not bound memory. The marks count messages, the lengths of messages
/// differ by a factor of a million, and a message of many parts counts only after its last part. Therefore the watch
/// compares the bytes received by the kernel with the bytes taken out of libzmq. A connection with more than
/// `waiting_bytes` between the two is ended. When all connections together have more than kTotalFactor times
/// `waiting_bytes`, the connection with the most waiting bytes is ended.
///
/// Unfinished messages: a part without content is 2 bytes on the wire and 64 bytes in libzmq, and nobody can take the
/// part out before the last part of the message has come. So a stricter bound holds for bytes of unfinished messages.
/// Bytes belong to an unfinished message when libzmq had read the bytes at one look, and the bytes are still there at
/// the next look although a receive in between found nothing. `unfinished_bytes` of such bytes end the connection. When
/// all connections together have more than kUnfinishedFactor times as much, the connection with the most ends. A peer's
/// message has one part and a greatest length, so neither a pause nor a burst of a peer reaches the bound.
///
/// Thread: confined to the hub. libzmq accepts and receives on a thread of its own, so the limits may be exceeded
///         between two looks.
/// Cost:   one look-up in a set for each new or ended connection; two system calls for each connection at a look, for
///         kMostLooked connections at most.
class InboundWatch {
public:
    /// Ended connections, for status and metrics.
    struct Counters {
        /// Spoke something other than ZMTP 3 (a browser, an old library), or had no key of the ring.
        std::uint64_t refused = 0;
        /// Ended by the watch or its owner: beyond a limit, or because of the bytes sent.
        std::uint64_t cut = 0;
        /// "1.2.3.4:5", the address of the connection refused last; empty for none, and when the address was not known.
        std::string last_refused;
    };
    /// The bounds of one watch; see above for the consequences.
    struct Limits {
        /// Open connections.
        std::size_t connections = 0;
        /// Open connections without any message so far.
        std::size_t silent = 0;
        /// Received and not taken out, of one connection.
        std::uint64_t waiting_bytes = 0;
        /// Waiting bytes of unfinished messages, of one connection; 0: no bound.
        std::uint64_t unfinished_bytes = 0;
    };
    /// The bound for all connections together, in multiples of the bound for one.
    static constexpr std::uint64_t kTotalFactor = 4;
    /// The corresponding multiple for unfinished messages. Peers never have so many long messages under way at the same
    /// time.
    static constexpr std::uint64_t kUnfinishedFactor = 16;
    /// The shortest time between two looks, so that a busy hub does not look in every turn.
    static constexpr Duration kBetweenLooks = 50ms;
    /// The watch asks for a turn when the last look is as old, even without traffic.
    static constexpr Duration kLongestPause = 250ms;
    /// Connections checked in one look. The next look continues with the next connection, so a look's cost stays
    /// bounded.
    static constexpr std::size_t kMostLooked = 128;

    /// `bound` must outlive the watch. `port` is the local port of `bound`.
    InboundWatch(MonitoredSocket& bound, std::uint16_t port, Limits limits);

    /// The monitor's inlet, to be touched when its descriptor is readable.
    [[nodiscard]] Inlet& events() { return bound_.events(); }
    /// Reads the monitor's reports of new and ended connections.
    void collect();
    /// Notes an accepted message of the connection `fd` (the descriptor reported by libzmq with the message). Returns
    /// the number of accepted messages so far, or 0 for a connection ended or cut.
    std::size_t spoke(int fd);
    /// Notes the id of the mesh key that the connection has proved.
    void note_key(int fd, std::string key);
    /// The open connections with a message so far, by the id of the key.
    [[nodiscard]] std::map<std::string, std::size_t> keys() const;
    /// Notes `bytes` of the connection taken out of libzmq.
    void took(int fd, std::size_t bytes);
    /// Compares received and taken bytes, and ends the connections beyond a limit. Returns false, without effect, when
    /// the last look is too recent.
    bool look(Instant now);
    /// Notes a receive without a result: no whole message waits in libzmq.
    void drained() { ++drains_; }
    /// The time of the next look, even if nothing else happens.
    [[nodiscard]] Instant look_at() const;
    /// True for a connection ended by the watch and not yet closed by libzmq.
    [[nodiscard]] bool is_cut(int fd) const;
    /// Ends a connection. No effect on a connection ended or cut before. The owner calls cut() after a message no node
    /// of ours sends.
    void cut(int fd);
    /// Ends a connection as cut() does, even when the monitor's report of the connection has not been read yet.
    void cut_latest(int fd);
    /// The open connections, cut connections included until libzmq closes them.
    [[nodiscard]] std::size_t size() const { return connections_.size(); }
    [[nodiscard]] const Counters& counters() const { return counters_; }

private:
    /// The watch's knowledge of one connection. Counts of bytes include the framing.
    struct Connection {
        /// In order of arrival.
        std::uint64_t number = 0;
        /// Accepted messages so far.
        std::size_t words = 0;
        bool is_cut = false;
        /// "1.2.3.4:5"; empty when the connection had ended before its report was read.
        std::string address;
        /// The id of the proved key; empty without keys, and before the first message.
        std::string key;
        /// Bytes received by the kernel until the last look.
        std::uint64_t received = 0;
        /// Bytes taken out of libzmq since the last look.
        std::uint64_t taken = 0;
        /// Bytes received and not taken out, at the last look.
        std::uint64_t waiting = 0;
        /// The part of `waiting` already read by libzmq, at the last look.
        std::uint64_t read = 0;
        /// The part of `read` known to belong to an unfinished message, as of the last look able to tell.
        std::uint64_t unfinished = 0;
        /// The value of `drains_` at the last look able to tell.
        std::uint64_t drains = 0;
        /// The time of the last look at the connection.
        Instant looked_at{};
    };

    /// Finds a connection, and reads the monitor first if the connection is still unknown.
    [[nodiscard]] std::map<int, Connection>::iterator find(int fd);
    /// Adds a new connection, and makes room if a limit is exceeded.
    void accepted(int fd);
    /// Removes an ended connection, and counts a connection refused by libzmq.
    void disconnected(int fd);
    /// Ends the oldest silent connections until the limits hold.
    void make_room();
    /// Removes a connection and its share of the sums.
    void forget(int fd);
    /// Removes all connections: the socket has been bound again, and libzmq has ended its former connections without a
    /// report. The report of the new port lies between the reports of the former and of the new connections.
    void forget_all();
    /// Looks at one connection.
    void look(Instant now, int fd, Connection& connection);
    /// Ends the connection with the largest value of a member.
    void cut_largest(std::uint64_t Connection::*by);

    MonitoredSocket& bound_;
    const std::uint16_t port_;
    const Limits limits_;
    ConnectionCutter cutter_;
    /// By descriptor. A cut connection stays until libzmq has closed the descriptor.
    std::map<int, Connection> connections_;
    /// Number and descriptor of each connection neither cut nor with a message so far, oldest first.
    std::set<std::pair<std::uint64_t, int>> silent_;
    std::uint64_t last_number_ = 0;
    /// The number of cut connections in `connections_`.
    std::size_t cut_open_ = 0;
    /// The last event reported a handshake broken by the other side. The end of the connection is the next event.
    bool is_unfinished_ = false;
    Instant looked_at_{};
    /// The first descriptor of the next look.
    int next_looked_ = 0;
    /// The sum over all connections, as of their last looks.
    std::uint64_t waiting_ = 0;
    /// The sum over all connections, as of their last looks.
    std::uint64_t unfinished_ = 0;
    /// Receives without a result so far. A change since the last look means: everything whole has been taken out.
    std::uint64_t drains_ = 0;
    Counters counters_;
};

}  // namespace tulle::mesh
