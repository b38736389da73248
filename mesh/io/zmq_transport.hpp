#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mesh/base/time.hpp"
#include "mesh/core/node/effects.hpp"
#include "mesh/core/node/numbers.hpp"
#include "mesh/io/endpoint_checks.hpp"
#include "mesh/io/inbound_watch.hpp"
#include "mesh/io/ready_set.hpp"
#include "mesh/io/resolver.hpp"
#include "mesh/io/wake_fd.hpp"
#include "mesh/io/zmq_sockets.hpp"
#include "mesh/wire/codec.hpp"

namespace tulle::mesh {

/// How much of the process's descriptors the mesh takes. Who has no connections to others uses some 25 for itself.
struct TransportLimits {
    /// What a peer needs: the three of its MonitoredSocket, four TCP connections (control and data, each way), and a
    /// check of its endpoint.
    static constexpr std::size_t kDescriptorsPerPeer = MonitoredSocket::kDescriptors + 4 + 1;

    /// Connections, and data connections, at once. Past it a connection is put off until another is closed; a data
    /// connection is left out, and the core dials it again when it has heard nothing by it for Timing::data_deaf.
    std::size_t connections =
        kMaxMembers + 64;  ///< members, and what is dialled beside: seeds, and connections only to say no
    /// What one connection has sent and the hub has not taken yet, on the control port and on the data port; four times
    /// as much of all to a port. Honest peers are bounded by Limits::credit_bytes for each origin that they relay, and
    /// by one topic.
    std::uint64_t control_waiting_bytes = 64u << 20;
    std::uint64_t data_waiting_bytes = 1u << 20;
    /// Of that on the control port, what belongs to a message that is not whole; sixteen times as much of all. A peer's
    /// message is one part of at most kMaxMessageBytes: twice as long.
    std::uint64_t control_unfinished_bytes = 2 * kMaxMessageBytes;
    /// Connections from others to each of the two ports. Past it the oldest is ended that has not said a word yet.
    std::size_t inbound = connections + 32;
    /// Of these, that have not said a word yet: what strangers can hold of the descriptors that the node keeps for the
    /// mesh.
    std::size_t silent = 256;

    /// As above, but no more connections than half of this process's descriptors allow, and a sixty-fourth of them, at
    /// least 32, for silent connections: 64 and 32 of 1,024.
    [[nodiscard]] static TransportLimits of_this_process();
};

/// The mesh's transport effects as ZeroMQ calls, and what arrives as inputs. Decides nothing.
///
/// Thread: confined to the hub, but for the constructor. One epoll over the descriptors of all sockets and one eventfd:
///         zmq_poll asks every socket three times a turn, each by a system call. They never go into Asio; that epoll
///         may.
/// Cost:   of a turn, by what has something to say; a connection that is silent costs nothing.
/// Ending: in the reverse order of the members: the connections and the checks leave the epoll before it closes, the
///         resolver's thread has ended before what it wakes goes, and the context ends last, when the DEALERs' linger
///         (500 ms) has passed.
/// Errors: what can't be sent is dropped, what can't be decoded is dropped and counted: the core repairs both.
///         A connection for which there are no descriptors (EMFILE, ENFILE) or no memory is put off, and made within
///         kRetry of a turn that finds some; until then it is as silent as one to nobody, and the core gives it up and
///         dials again. A connect or an accept of libzmq's own that finds none is tried again by libzmq. libzmq ends
///         the process when the system refuses an eventfd or a place in an epoll for another reason, or memory: these
///         are not errors that it can return.
class ZmqTransport {
public:
    static constexpr Duration kRetry = 100ms;

    using LookUpName = std::function<LookUp(const HostPort&)>;

    /// Throws std::runtime_error when an address can't be bound. `look_up`: what the resolver's threads call.
    ZmqTransport(const std::string& control, const std::string& data, WakeFd& wake,
                 TransportLimits limits = TransportLimits::of_this_process(), LookUpName look_up = resolve_all);
    ~ZmqTransport();
    ZmqTransport(const ZmqTransport&) = delete;
    ZmqTransport& operator=(const ZmqTransport&) = delete;

    [[nodiscard]] const std::string& bound_control() const { return sockets_.bound_control; }
    [[nodiscard]] const std::string& bound_data() const { return sockets_.bound_data; }

    /// Data for `oid` is ours.
    void listen_for(OriginId oid);
    void open_connection(ConnectionId connection, const std::string& endpoint);
    void close_connection(ConnectionId connection);
    void check_endpoint(Instant now, ConnectionId connection, const std::string& endpoint);
    /// Answered by NameResolved.
    void resolve_name(const std::string& name);
    void connect_data(const std::string& endpoint);
    void disconnect_data(const std::string& endpoint);
    void send(ConnectionId connection, const Control& message);
    void send(const Data& message);

    /// Before a wait: whether there is something to collect, so that there is nothing to wait for.
    [[nodiscard]] bool has_more();
    /// When a turn is due for the transport's own sake, though nothing arrives.
    [[nodiscard]] Instant next_deadline() const;
    /// Waits until something arrives, the eventfd is written, or `timeout` has passed.
    void wait(Duration timeout);
    /// Readable while wait would find something.
    [[nodiscard]] int descriptor() const { return ready_.descriptor(); }
    /// Appends what has arrived, without waiting; bounded per call, so that timers get their turn.
    void collect(Instant now, std::vector<Input>& out);

    struct Counters {
        std::uint64_t malformed = 0;         ///< messages that the codec refused
        std::uint64_t unknown_messages = 0;  ///< skipped, as their kind is not known: a newer node has sent them
        std::uint64_t unknown_fields = 0;    ///< of messages that were read, skipped likewise
        std::uint64_t control_unsent = 0;    ///< the connection was not up, or its pipe was full
        std::uint64_t control_sent = 0;
        std::uint64_t control_bytes = 0;
        std::uint64_t data_sent = 0;
        std::uint64_t data_bytes = 0;
        std::uint64_t connections_put_off =
            0;                              ///< no descriptors, no memory or over the limit, data connections included
        std::uint64_t inbound_refused = 0;  ///< connections that spoke something else than ZMTP 3
        std::uint64_t inbound_cut = 0;      ///< connections over the limit, or whose peer sent what no node does
    };
    [[nodiscard]] Counters counters() const;

private:
    // More fields than 15: the three sockets and their watches, and a map for each stage of a connection that is not
    // made yet.
    /// a connection's token in ready_ is its id and this; below are the sockets'
    static constexpr std::uint64_t kFirstConnection = 16;

    struct Connection {
        std::string endpoint;
        std::unique_ptr<MonitoredSocket> dealer = nullptr;  // null while it is put off
        bool is_resolving = false;                          // its name is being looked up
        std::vector<NumericAddress> addresses = {};         // of its name
        std::size_t at = 0;                                 // the one that is dialled
        std::size_t refused = 0;                            // of them, seen to refuse while it had never been up
        bool was_up = false;
    };

    [[nodiscard]] bool make(ConnectionId id, Connection& connection);
    void make_put_off(Instant now);
    void note_put_off(const std::string& endpoint, const char* why);
    void connect(Connection& connection);
    /// The first address of the name refuses: goes on to the next. False when each has refused.
    [[nodiscard]] bool try_next_address(Connection& connection);
    /// Where to begin with the addresses of a name: with the one by which it was reached last.
    [[nodiscard]] std::size_t first_address(const std::string& endpoint, std::size_t count) const;
    void note_address(const Connection& connection, std::size_t at);
    void connect_subscriber(const std::string& endpoint, std::string& connected, const NumericAddress& address);
    void note_ready(std::uint64_t token);
    void collect_answers(Instant now, std::vector<Input>& out);
    void collect_checks(Instant now, std::vector<Input>& out);
    void collect_monitors(std::vector<Input>& out);
    void collect_router(std::vector<Input>& out);
    [[nodiscard]] bool skip_router_rest();
    void collect_subscriptions(std::vector<Input>& out);
    void collect_data(std::vector<Input>& out);
    void refused(const char* where, const std::string& why);
    void skipped(const char* where);

    // More fields than 15: the only owner of every socket of the mesh, as ZeroMQ's sockets belong to one thread.
    WakeFd& wake_;
    const TransportLimits limits_;
    ZmqSockets sockets_;
    ReadySet ready_;
    Inlet router_;
    Inlet publisher_;
    Inlet subscriber_;
    InboundWatch control_watch_;
    InboundWatch data_watch_;
    bool router_in_rest_ = false;      // the next part that the router has belongs to a message that is skipped
    bool subscriber_in_rest_ = false;  // as above
    Resolver resolver_;
    EndpointChecks checks_;  // they leave ready_ before it goes
    std::map<ConnectionId, std::unique_ptr<Connection>> connections_;
    std::map<std::string, std::set<ConnectionId>> waiting_checks_;  // for the resolver, by endpoint
    std::set<std::string> asked_names_;                             // of seeds, by endpoint
    std::map<std::string, std::size_t> first_address_;              // of the name of a host; without an entry the first
    std::map<std::string, std::string> data_connections_;           // endpoint -> "tcp://…", empty while resolving
    std::string outgoing_;                                          // of the last data message; its capacity is kept
    std::vector<Input> pending_;                                    // known at once, for the next collect()
    std::vector<ConnectionId> heard_;  // connections whose monitors may have something to say
    std::set<ConnectionId> put_off_;   // in connections_, without a DEALER
    Instant make_at_{};                // when those are tried again
    Counters counters_;
};

}  // namespace tulle::mesh
