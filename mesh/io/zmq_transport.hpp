#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mesh/base/time.hpp"
#include "mesh/core/effects.hpp"
#include "mesh/io/endpoint_checks.hpp"
#include "mesh/io/ready_set.hpp"
#include "mesh/io/resolver.hpp"
#include "mesh/io/wake_fd.hpp"
#include "mesh/io/zmq_sockets.hpp"

namespace tulle::mesh {

/// The mesh's transport effects as ZeroMQ calls, and what arrives as inputs. Decides nothing.
///
/// Thread: confined to the hub, but for the constructor. One epoll over the descriptors of all sockets and one eventfd:
///         zmq_poll asks every socket three times a turn, each by a system call. They never go into Asio; that epoll may.
/// Cost:   of a turn, by what has something to say; a link that is silent costs nothing.
/// Ending: in the reverse order of the members: the links and the checks leave the epoll before it closes, the resolver's thread
///         has ended before what it wakes goes, and the context ends last, when the DEALERs' linger (500 ms) has passed.
/// Errors: what can't be sent is dropped, what can't be decoded is dropped and counted: the core repairs both.
class ZmqTransport {
public:
    /// Throws std::runtime_error when an address can't be bound.
    ZmqTransport(const std::string& control, const std::string& data, WakeFd& wake);
    ~ZmqTransport();
    ZmqTransport(const ZmqTransport&) = delete;
    ZmqTransport& operator=(const ZmqTransport&) = delete;

    [[nodiscard]] const std::string& bound_control() const { return sockets_.bound_control; }
    [[nodiscard]] const std::string& bound_data() const { return sockets_.bound_data; }

    /// Data for `oid` is ours.
    void listen_for(OriginId oid);
    void open_link(LinkId link, const std::string& endpoint);
    void close_link(LinkId link);
    void check_endpoint(Instant now, LinkId link, const std::string& endpoint);
    void connect_data(const std::string& endpoint);
    void disconnect_data(const std::string& endpoint);
    void send(LinkId link, const Control& message);
    void send(const Data& message);

    /// Before a wait: whether there is something to collect, so that there is nothing to wait for.
    [[nodiscard]] bool has_more();
    /// Waits until something arrives, the eventfd is written, or `timeout` has passed.
    void wait(Duration timeout);
    /// Readable while wait would find something.
    [[nodiscard]] int descriptor() const { return ready_.descriptor(); }
    /// Appends what has arrived, without waiting; bounded per call, so that timers get their turn.
    void collect(Instant now, std::vector<Input>& out);

    struct Counters {
        std::uint64_t malformed = 0;       ///< messages that the codec refused
        std::uint64_t control_unsent = 0;  ///< the link was not up, or its pipe was full
        std::uint64_t control_sent = 0;
        std::uint64_t control_bytes = 0;
        std::uint64_t data_sent = 0;
        std::uint64_t data_bytes = 0;
    };
    [[nodiscard]] const Counters& counters() const { return counters_; }

private:
    struct Link {
        std::string endpoint;
        std::unique_ptr<MonitoredSocket> dealer;
        bool dialled = false;  // false while its name is looked up
    };

    void connect(Link& link, const NumericAddress& address);
    void note_ready(std::uint64_t token);
    void collect_answers(Instant now, std::vector<Input>& out);
    void collect_monitors(std::vector<Input>& out);
    void collect_router(std::vector<Input>& out);
    void collect_subscriptions(std::vector<Input>& out);
    void collect_data(std::vector<Input>& out);
    void refused(const char* where, const std::string& why);

    WakeFd& wake_;
    ZmqSockets sockets_;
    ReadySet ready_;
    Inlet router_;
    Inlet publisher_;
    Inlet subscriber_;
    Resolver resolver_;
    EndpointChecks checks_;  // they leave ready_ before it goes
    std::map<LinkId, std::unique_ptr<Link>> links_;
    std::map<std::string, std::vector<LinkId>> waiting_checks_;     // for the resolver, by endpoint
    std::map<std::string, std::string> data_connections_;           // endpoint -> "tcp://…", empty while resolving
    std::string outgoing_;        // of the last data message; its capacity is kept
    std::vector<Input> pending_;  // known at once, for the next collect()
    std::vector<LinkId> heard_;   // links whose monitors may have something to say
    Counters counters_;
};

}  // namespace tulle::mesh
