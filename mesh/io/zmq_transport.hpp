#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mesh/base/time.hpp"
#include "mesh/core/node/effects.hpp"
#include "mesh/core/node/numbers.hpp"
#include "mesh/io/address_book.hpp"
#include "mesh/io/control_dialer.hpp"
#include "mesh/io/data_dialer.hpp"
#include "mesh/io/dial_counters.hpp"
#include "mesh/io/inbound_watch.hpp"
#include "mesh/io/ready_set.hpp"
#include "mesh/io/wake_fd.hpp"
#include "mesh/io/zmq_sockets.hpp"
#include "mesh/keys/mesh_key.hpp"
#include "mesh/wire/codec.hpp"

namespace tulle::mesh {

/// The mesh's share of the process's resources. The mesh itself uses about 25 descriptors without any connection.
struct TransportLimits {
    /// The descriptors for one peer: those of a MonitoredSocket, four TCP connections (control and data in both
    /// directions), and a check of the peer's endpoint.
    static constexpr std::size_t kDescriptorsPerPeer = MonitoredSocket::kDescriptors + 4 + 1;

    /// Control connections, and data connections, at the same time: the members, seeds, and connections made only to
    /// send a refusal. Beyond the limit a control connection is put off until another connection is closed. A data
    /// connection is left out; the core dials the peer again after hearing nothing for Timing::data_deaf.
    std::size_t connections = kMaxMembers + 64;
    /// Bytes sent by one connection and not yet taken by the hub, on the control port. All connections of the port
    /// together: InboundWatch::kTotalFactor times as much. Limits::credit_bytes for each relayed origin bounds an
    /// honest peer.
    std::uint64_t control_waiting_bytes = 64u << 20;
    /// The corresponding bound on the data port. An honest peer sends a single topic.
    std::uint64_t data_waiting_bytes = 1u << 20;
    /// The part of control_waiting_bytes in unfinished messages. All connections together:
    /// InboundWatch::kUnfinishedFactor times as much. A peer's message is one part of at most kMaxMessageBytes, half of
    /// the bound.
    std::uint64_t control_unfinished_bytes = 2 * kMaxMessageBytes;
    /// Inbound connections to each of the two ports. Beyond the limit the oldest silent connection is ended.
    std::size_t inbound = connections + 32;
    /// Inbound connections without any message so far, of each port. The bound is the strangers' share of the
    /// descriptors kept for the mesh.
    std::size_t silent = 256;

    /// The limits above, reduced to the process's limit of descriptors: half of the descriptors for connections, and a
    /// sixty-fourth, at least 32, for silent connections. A limit of 1,024 descriptors gives 64 and 32.
    [[nodiscard]] static TransportLimits of_this_process();
};

/// Carries out the transport effects of the mesh as ZeroMQ calls, and turns arriving messages into inputs. The
/// transport decides nothing.
///
/// Thread: confined to the hub, except the constructor. The transport waits with one epoll over all sockets and one
///         eventfd, because zmq_poll makes three system calls for every socket in each turn. The sockets never go into
///         Asio; the epoll's descriptor may.
/// Cost:   a turn costs by the number of connections with something to say. A silent connection costs nothing.
/// Ending: in the reverse order of the members. The connections and the checks leave the epoll before the epoll closes.
///         The resolver has ended before the eventfd goes. The context ends last, after the linger of the DEALERs (500
///         ms).
/// Errors: a message not sent is dropped, and an undecodable message is dropped and counted; the core repairs both.
///         ControlDialer and DataDialer say what happens to a connection without a descriptor or memory. libzmq repeats
///         its own failed connects and accepts. libzmq ends the process when the system refuses memory, or refuses an
///         eventfd or a place in an epoll for another reason, because libzmq cannot return such errors.
class ZmqTransport {
public:
    /// Resolves a name, on a thread of the resolver. Tests pass a function of their own.
    using LookUpName = std::function<LookUp(const HostPort&)>;

    /// Binds both ports. Throws std::runtime_error when an address cannot be bound. `wake` must outlive the transport;
    /// a wake ends wait().
    /// With keys, throws std::runtime_error as well when the sockets would let in a process without a key of the ring.
    ZmqTransport(const std::string& control, const std::string& data, WakeFd& wake, const KeyRing& keys = {},
                 TransportLimits limits = TransportLimits::of_this_process(), LookUpName look_up = resolve_all);
    ~ZmqTransport();
    ZmqTransport(const ZmqTransport&) = delete;
    ZmqTransport& operator=(const ZmqTransport&) = delete;

    [[nodiscard]] const std::string& bound_control() const { return sockets_.bound_control; }
    [[nodiscard]] const std::string& bound_data() const { return sockets_.bound_data; }

    /// Accepts the keys of `keys`, and dials with the key in use from now on. Standing connections stay.
    /// REQUIRES: keys before and after.
    void accept_keys(const KeyRing& keys);
    /// Binds both ports again and dials every connection again, all with the key in use of the ring. The ports are
    /// closed for a moment, and all connections end once.
    void rebind();
    /// The keys, and the connections by the keys of both sides. Empty without keys.
    [[nodiscard]] KeyStatus key_status() const;

    /// Subscribes to the data for `oid`, this node's own oid.
    void listen_for(OriginId oid);
    /// Begins a control connection to "host:port". The answers are ConnectionUp and ConnectionDown, as often as the
    /// connection comes and goes.
    void open_connection(ConnectionId connection, const std::string& endpoint) {
        control_dialer_.open(connection, endpoint);
    }
    /// Ends a control connection. Queued messages still go out during the linger.
    void close_connection(ConnectionId connection) { control_dialer_.close(connection); }
    /// Tries whether a process listens at the connection's endpoint. The answer is EndpointChecked, unless the
    /// connection is closed before.
    void check_endpoint(Instant now, ConnectionId connection) { control_dialer_.check(now, connection); }
    /// Looks up the addresses of a seed. The answer is NameResolved.
    void resolve_name(const std::string& name);
    /// Subscribes to the data of the peer at "host:port". ZeroMQ reconnects until disconnect_data.
    void connect_data(const std::string& endpoint) { data_dialer_.connect(endpoint); }
    /// Ends the subscription at a peer. No effect without connect_data before.
    void disconnect_data(const std::string& endpoint) { data_dialer_.disconnect(endpoint); }
    /// Sends a message now, or drops and counts the message. Never blocks.
    void send(ConnectionId connection, const Control& message) { control_dialer_.send(connection, message); }
    void send(const Data& message);

    /// True when collect() would find something at once, so the caller must not wait. Call before each wait.
    [[nodiscard]] bool has_more();
    /// The time of a turn needed by the transport itself, even if nothing arrives.
    [[nodiscard]] Instant next_deadline() const;
    /// Waits until a message arrives, the eventfd is written, or `timeout` has passed.
    void wait(Duration timeout);
    /// Readable while wait() would return at once.
    [[nodiscard]] int descriptor() const { return ready_.descriptor(); }
    /// Appends the arrived messages and answers, without waiting. The number and the bytes of one call are bounded, so
    /// the timers of the core are not late.
    void collect(Instant now, std::vector<Input>& out);

    /// For status and metrics. All counts begin with the transport.
    struct Counters {
        /// Messages refused by the codec, or by the rules for subscriptions and parts.
        std::uint64_t malformed = 0;
        /// Messages of a newer node, skipped because of an unknown kind.
        std::uint64_t unknown_messages = 0;
        /// Fields of a newer node, skipped in otherwise known messages.
        std::uint64_t unknown_fields = 0;
        /// Control messages dropped because the connection was down or the pipe full.
        std::uint64_t control_unsent = 0;
        std::uint64_t control_sent = 0;
        std::uint64_t control_bytes = 0;
        std::uint64_t data_sent = 0;
        std::uint64_t data_bytes = 0;
        /// Connections not made for want of descriptors or memory or because of a limit, data connections included.
        std::uint64_t connections_put_off = 0;
        /// Inbound connections speaking anything other than ZMTP 3.
        std::uint64_t inbound_refused = 0;
        /// Inbound connections ended because of a limit, or because of a message no node sends.
        std::uint64_t inbound_cut = 0;
        /// Inbound connections refused because their key is not in the ring.
        std::uint64_t keys_unknown = 0;
        /// Outward handshakes that failed for the key: the other side refused ours, or did not prove a key of the ring.
        std::uint64_t keys_refused = 0;
    };
    [[nodiscard]] Counters counters() const;

private:
    /// Notes an accepted message of an inbound connection, and with the first message the connection's key. Returns the
    /// number of accepted messages so far.
    std::size_t note_word(InboundWatch& watch, int fd, const zmq::message_t& message) const;
    /// Binds closed ports again.
    void bind_ports(Instant now);
    /// A line in the log about strangers that were refused, at most once a minute.
    void note_strangers(Instant now);
    /// Marks the source of a token as due.
    void note_ready(std::uint64_t token);
    /// Hands the resolver's answers to all who wait for them.
    void collect_answers(Instant now, std::vector<Input>& out);
    /// Receives control messages.
    void collect_router(std::vector<Input>& out);
    /// Skips the rest of a message of many parts. Returns false when parts remain for the next turn.
    [[nodiscard]] bool skip_router_rest();
    /// Receives the peers' subscriptions.
    void collect_subscriptions(std::vector<Input>& out);
    /// Receives data messages.
    void collect_data(std::vector<Input>& out);
    /// Counts a dropped message, and logs the 1st, 2nd, 4th, 8th… time.
    void refused(const char* where, const std::string& why);
    /// Counts a message of a newer node, and logs the 1st, 2nd, 4th, 8th… time.
    void skipped(const char* where);

    // More fields than 15: the only owner of every socket of the mesh, as ZeroMQ's sockets belong to one thread.
    WakeFd& wake_;
    ZmqSockets sockets_;
    ReadySet ready_;
    Inlet router_;
    Inlet publisher_;
    Inlet subscriber_;
    InboundWatch control_watch_;
    InboundWatch data_watch_;
    /// True when the next part of the socket belongs to a message being skipped.
    bool router_in_rest_ = false;
    bool subscriber_in_rest_ = false;
    AddressBook addresses_;
    DialCounters dial_counters_;
    /// Declared after `ready_`, which must outlive the dialler.
    ControlDialer control_dialer_;
    DataDialer data_dialer_;
    /// The seeds being looked up, by endpoint.
    std::set<std::string> asked_names_;
    /// When closed ports are bound again; nothing while both are bound.
    std::optional<Instant> bind_at_;
    /// Tries to bind them that have failed in a row.
    std::uint32_t bind_failures_ = 0;
    /// When refused strangers were logged last, and the number told then.
    Instant stranger_logged_at_{};
    std::uint64_t strangers_logged_ = 0;
    /// The bytes of the last data message. A member, so that the memory is reused.
    std::string outgoing_;
    /// What the inbound side and the codec count; counters() adds the rest.
    Counters counters_;
};

}  // namespace tulle::mesh
