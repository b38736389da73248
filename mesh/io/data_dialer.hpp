#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "mesh/io/address_book.hpp"
#include "mesh/io/dial_counters.hpp"
#include "mesh/io/key_choice.hpp"
#include "mesh/io/zmq_sockets.hpp"

namespace tulle::mesh {

/// Connects the SUB to the peers' publishers, and dials again when a key was refused.
///
/// Thread: confined to the hub.
/// Limits: `limit` connections. A further connection is left out and counted; the core dials the peer again after
///         hearing nothing for Timing::data_deaf.
/// Errors: an address that libzmq refuses stands in the log; the core hears nothing from the peer, and dials again.
class DataDialer {
public:
    /// `subscriber` is the inlet of the SUB among `sockets`. All references must outlive the dialler.
    DataDialer(ZmqSockets& sockets, Inlet& subscriber, AddressBook& addresses, DialCounters& counters,
               std::size_t limit)
        : sockets_(sockets), subscriber_(subscriber), addresses_(addresses), counters_(counters), limit_(limit) {}

    /// Connects to the publisher at "host:port". ZeroMQ reconnects until disconnect().
    void connect(const std::string& endpoint);
    /// Ends the connection. No effect without connect() before.
    void disconnect(const std::string& endpoint);
    /// Connects to a publisher that waited for the addresses of its name.
    void on_answer(const Resolver::Answer& answer);
    /// Reads the monitor of the SUB, and dials the connections whose pause, or whose attempt without a report, is over.
    void collect(Instant now);
    /// When collect() has something to do although nothing arrives; nothing otherwise.
    [[nodiscard]] std::optional<Instant> next_deadline() const { return retry_at_; }

    /// The ring has changed. Standing connections stay; who waits for a key is tried at once.
    void restart_keys();
    /// Dials every connection again, with the key in use.
    void dial_all_again();
    /// Calls `visit` for each standing connection.
    void each_standing(const std::function<void(const KeyChoice&)>& visit) const;

private:
    /// A data connection, from connect() to disconnect().
    struct Connection {
        /// "tcp://…"; empty while the name is being looked up.
        std::string address = {};
        KeyChoice keys = {};
    };

    /// Connects the SUB to the connection's address. REQUIRES: an address.
    void open(const std::string& endpoint, Connection& connection);
    /// Gives a peer's publisher up.
    void close(const std::string& endpoint, Connection& connection);
    /// Handles a report of the monitor about the connection.
    void on_report(Instant now, const std::string& endpoint, Connection& connection, int kind);
    /// Dials the connections whose deadline has come.
    void retry(Instant now);
    /// Takes the deadline of `keys` into account.
    void consider(const KeyChoice& keys);

    ZmqSockets& sockets_;
    Inlet& subscriber_;
    AddressBook& addresses_;
    DialCounters& counters_;
    const std::size_t limit_;
    /// By endpoint.
    std::map<std::string, Connection> connections_;
    /// The earliest deadline of all connections, or an earlier time; nothing without any.
    std::optional<Instant> retry_at_;
};

}  // namespace tulle::mesh
