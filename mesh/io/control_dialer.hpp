#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mesh/core/node/effects.hpp"
#include "mesh/io/address_book.hpp"
#include "mesh/io/dial_counters.hpp"
#include "mesh/io/endpoint_checks.hpp"
#include "mesh/io/key_choice.hpp"
#include "mesh/io/ready_set.hpp"
#include "mesh/io/zmq_sockets.hpp"

namespace tulle::mesh {

/// The outward control connections, each a DEALER of its own.
///
/// A connection goes through three stages: put off (no DEALER), resolving (no address), dialled. Each address of a name
/// has its turn: a refusal leads to the next address, and the last good address is remembered for the next dial of the
/// name.
///
/// Thread: confined to the hub.
/// Limits: `limit` connections with a DEALER. A further connection is put off until another one is closed.
/// Errors: a connection is put off when there is no descriptor (EMFILE, ENFILE) or no memory, and made within kRetry of
///         a turn with enough of both. Until then the connection is as silent as a connection to nobody: the core gives
///         the connection up and dials again.
/// Ending: a closed connection leaves the epoll before its DEALER closes, and the linger of the DEALER (500 ms) holds.
///         The dialler must end before the ReadySet.
class ControlDialer {
public:
    /// The pause between two tries to make the connections put off.
    static constexpr Duration kRetry = 100ms;
    /// The token of a connection in the ReadySet is the connection's id plus `first`. `check` is the token of all
    /// checks.
    struct Tokens {
        std::uint64_t first = 0;
        std::uint64_t check = 0;
    };

    /// All references must outlive the dialler.
    ControlDialer(ZmqSockets& sockets, ReadySet& ready, AddressBook& addresses, DialCounters& counters, Tokens tokens,
                  std::size_t limit)
        : sockets_(sockets),
          ready_(ready),
          addresses_(addresses),
          counters_(counters),
          tokens_(tokens),
          limit_(limit),
          checks_(ready, tokens.check) {}

    /// Begins a connection to "host:port". The answers are ConnectionUp and ConnectionDown, as often as the connection
    /// comes and goes, and ConnectionRefused.
    void open(ConnectionId id, const std::string& endpoint);
    /// Ends a connection. Queued messages still go out during the linger.
    void close(ConnectionId id);
    /// Tries whether a process listens at the connection's endpoint. The answer is EndpointChecked, unless the
    /// connection is closed before.
    void check(Instant now, ConnectionId id);
    /// Sends a message now, or drops and counts the message. Never blocks. No effect on an unknown connection.
    void send(ConnectionId id, const Control& message);

    /// Makes the connections put off, as far as descriptors allow, and dials the connections whose pause, or whose
    /// attempt without a report, is over.
    void begin_turn(Instant now);
    /// Dials what waited for the addresses of a name.
    void on_answer(Instant now, const Resolver::Answer& answer, std::vector<Input>& out);
    /// Appends what monitors report, in order of the connection, and the results of checks.
    void collect(Instant now, std::vector<Input>& out);
    /// The epoll has reported the token of a connection.
    void note_ready(std::uint64_t token) {
        heard_.push_back(ConnectionId{static_cast<std::uint32_t>(token - tokens_.first)});
    }
    /// True when collect() would find something at once.
    [[nodiscard]] bool has_more() const { return !pending_.empty() || !heard_.empty(); }
    /// When a turn has something to do although nothing arrives; nothing otherwise.
    [[nodiscard]] std::optional<Instant> next_deadline() const;

    /// The ring has changed. Standing connections stay; who waits for a key is tried at once.
    void restart_keys();
    /// Dials every connection again, with the key in use.
    void dial_all_again();
    /// Calls `visit` for each standing connection.
    void each_standing(const std::function<void(const KeyChoice&)>& visit) const;

    /// All counts begin with the transport.
    struct Traffic {
        /// Messages dropped because the connection was down or the pipe full.
        std::uint64_t unsent = 0;
        std::uint64_t sent = 0;
        std::uint64_t bytes = 0;
    };
    [[nodiscard]] const Traffic& traffic() const { return traffic_; }

private:
    /// A connection to one peer, from open() to close().
    struct Connection {
        std::string endpoint;
        /// Null while the connection is put off.
        std::unique_ptr<MonitoredSocket> dealer = nullptr;
        /// True while the name is being looked up.
        bool is_resolving = false;
        /// The addresses of the name; empty before the look-up.
        std::vector<NumericAddress> addresses = {};
        /// The index of the dialled address.
        std::size_t at = 0;
        /// Addresses seen to refuse before the connection was ever up.
        std::size_t refused = 0;
        /// True once the handshake has succeeded.
        bool was_up = false;
        KeyChoice keys = {};

        /// The dialled address. REQUIRES: `addresses` is not empty.
        [[nodiscard]] const NumericAddress& address() const { return addresses[at]; }
    };

    /// Creates the DEALER and begins to dial. Returns false when the connection must be put off.
    [[nodiscard]] bool make(ConnectionId id, Connection& connection);
    /// Makes the connections put off, at most every kRetry.
    void make_put_off(Instant now);
    /// Makes the DEALER of a connection. Returns false when there is no descriptor or no memory.
    [[nodiscard]] bool make_dealer(ConnectionId id, Connection& connection);
    /// Closes the DEALER, if any; messages that wait are dropped. The connection stays.
    void drop_dealer(Connection& connection);
    /// Dials the present address of a connection, if an address is known, by the present choice of the key.
    void dial(Connection& connection);
    /// Dials with a new DEALER.
    void dial_again(ConnectionId id, Connection& connection);
    /// Goes on to the next address after a refusal. Returns false when every address has refused.
    [[nodiscard]] bool try_next_address(ConnectionId id, Connection& connection);
    /// Dials the connections whose deadline has come.
    void retry(Instant now);
    /// Takes the deadline of `keys` into account.
    void consider(const KeyChoice& keys);
    /// Reads the monitors of the connections with something to say.
    void collect_monitors(Instant now, std::vector<Input>& out);
    /// Handles a report of a connection's monitor.
    void on_report(Instant now, ConnectionId id, Connection& connection, int kind, std::vector<Input>& out);
    /// Handles the results of the checks. A refusal leads to the next address before the core is told.
    void collect_checks(Instant now, std::vector<Input>& out);

    // More fields than 15: the stages of a connection in the making, each with its own list, and what the dialler
    // shares with the transport.
    ZmqSockets& sockets_;
    ReadySet& ready_;
    AddressBook& addresses_;
    DialCounters& counters_;
    const Tokens tokens_;
    const std::size_t limit_;
    EndpointChecks checks_;
    std::map<ConnectionId, std::unique_ptr<Connection>> connections_;
    /// Checks waiting for the addresses of a name, by endpoint.
    std::map<std::string, std::set<ConnectionId>> waiting_checks_;
    /// Inputs known outside a collect(), for the next collect().
    std::vector<Input> pending_;
    /// Connections with possible reports of their monitors.
    std::vector<ConnectionId> heard_;
    /// The connections without a DEALER.
    std::set<ConnectionId> put_off_;
    /// The time of the next try to make the connections put off.
    Instant make_at_{};
    /// The earliest deadline of all connections, or an earlier time; nothing without any.
    std::optional<Instant> retry_at_;
    Traffic traffic_;
};

}  // namespace tulle::mesh
