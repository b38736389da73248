#pragma once

#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mesh/base/time.hpp"
#include "tools/chaos/descriptor.hpp"
#include "tools/load/addresses.hpp"
#include "tools/load/dialect.hpp"
#include "tools/load/histogram.hpp"
#include "tools/load/ledger.hpp"
#include "tools/load/plan.hpp"
#include "tools/load/tls_link.hpp"

namespace tulle::load {

/// The monotonic clock of the system, shared by all processes of the machine.
[[nodiscard]] Instant monotonic_now();

/// Where and how connections are opened.
struct SwarmConfig {
    /// HOST:PORT of servers for subscribers, taken in turn.
    std::vector<std::string> subscribe_at;
    /// HOST:PORT of servers for publishers, taken in turn.
    std::vector<std::string> publish_at;
    /// Addresses to connect from, taken in turn. Empty: the kernel's choice, with some 28,000 ports for a single
    /// target.
    std::vector<std::string> source_addresses;
    /// 0: as fast as possible.
    double connects_per_second = 0;
    /// How many connections may be on the way to ready at a time.
    std::uint32_t opening_at_once = 128;
    /// A connection not ready by then has failed.
    Duration open_timeout{std::chrono::seconds(20)};
    /// What is trusted over TLS; null: no connection is encrypted.
    std::shared_ptr<client::ServerTrust> trust = nullptr;
};

/// The outcome of Swarm::connect().
struct ConnectReport {
    std::uint32_t ready = 0;
    std::uint32_t failed = 0;
    /// The first failure in words.
    std::string first_failure;
    Duration took{};
    /// From connect() until subscribed to all channels, for each ready connection.
    Histogram latency;
};

/// Many connections in a single thread: non-blocking sockets and a level-triggered epoll. All connections share a read
/// buffer, so a connection needs memory of its own only while holding an incomplete piece, or output that the kernel
/// does not take.
///
/// Thread: one thread.
/// Limits: RLIMIT_NOFILE, raised to the hard limit by the constructor. A publisher's output is bounded, see
///         can_write().
/// Errors: the constructor throws std::invalid_argument when the process may have fewer descriptors than needed, and
///         std::runtime_error for an address that cannot be resolved and for a system that cannot wait exactly. A
///         connection lost later is counted, see lost().
class Swarm {
public:
    /// The most connections served by a single poll().
    static constexpr int kEventsAtOnce = 1'024;

    /// Opens nothing yet. `dialect` must outlive the Swarm; `plan` must have no complaint().
    Swarm(const Dialect& dialect, const Plan& plan, SwarmConfig config);
    ~Swarm();
    Swarm(const Swarm&) = delete;
    Swarm& operator=(const Swarm&) = delete;

    /// Opens all connections, subscribers first, and returns when each is ready or has failed. `progress` is called
    /// about ten times a second with the numbers of ready and failed connections so far, and may be empty. Returning
    /// false from `progress` ends the call early. To be called once.
    [[nodiscard]] ConnectReport connect(const std::function<bool(std::uint32_t, std::uint32_t)>& progress);

    /// Serves at most `most` ready connections, and waits for the first until `until`. Returns how many connections
    /// were ready.
    std::size_t poll(Instant until, int most = kEventsAtOnce);

    /// Looks at no connection for the given time. A sender pays for waking a process that waits, each time. With a rest
    /// the sender's CPU time is the cost of sending alone, and many messages are found at once.
    void rest(Duration time) const;

    /// True when more may be written for this publisher now: the connection is ready, awaits no answer, and has less
    /// than 256 KiB of output waiting for the kernel.
    [[nodiscard]] bool can_write(std::uint32_t publisher) const;
    /// How many messages may be appended between two flushes while can_write() is true.
    [[nodiscard]] std::uint32_t messages_at_once() const { return at_once_; }
    /// Appends a message of the publisher; flush() sends the message.
    void append_message(std::uint32_t publisher, std::uint32_t channel, std::string_view text);
    /// Sends the messages appended since the last flush().
    void flush(std::uint32_t publisher);
    /// Requests without an answer so far.
    [[nodiscard]] std::uint64_t unanswered() const { return unanswered_; }
    /// Requests answered with 200 since the beginning.
    [[nodiscard]] std::uint64_t answered() const { return answered_; }

    /// The account of received messages. The owner calls begin() before each run.
    [[nodiscard]] Ledger& ledger() { return ledger_; }
    /// Connections lost after becoming ready, since the beginning.
    [[nodiscard]] std::uint32_t lost() const { return lost_; }
    /// Complaints about servers: the number, and the first in words.
    struct Complaints {
        std::uint64_t count = 0;
        std::string first;
    };
    /// The complaints since the last call.
    [[nodiscard]] Complaints take_complaints();
    /// The complaints since the last take_complaints().
    [[nodiscard]] const Complaints& complaints() const { return complaints_; }

    /// Readable when poll() has work.
    [[nodiscard]] int descriptor() const { return epoll_.get(); }

private:
    // More fields than 15: where to connect, the connections, and buffers that all of them share.
    /// The memory that a connection has only while needed.
    struct Extra {
        /// An incomplete piece.
        std::string held;
        /// Output not yet taken by the kernel.
        std::string out;
        /// How many bytes of `out` the kernel has taken.
        std::size_t sent = 0;
        /// Messages of the request being put together.
        std::string messages;
        Opening opening;
        /// When connect() was called.
        Instant began{};
    };
    enum class State : std::uint8_t { kConnecting, kSecuring, kOpening, kReady, kClosed };
    /// A connection. Small, as a swarm has many.
    struct Connection {
        chaos::Descriptor socket;
        Receiver receiver;
        State state = State::kClosed;
        Role role = Role::kSubscriber;
        Framing framing = Framing::kWebSocket;
        /// True while epoll watches for room to write.
        bool wants_write = false;
        /// True while a request is unanswered.
        bool awaits_answer = false;
        std::unique_ptr<Extra> extra;
        /// Null without TLS.
        std::unique_ptr<TlsLink> tls;
    };
    /// An entry of the queue of openings, oldest first.
    struct Opened {
        std::uint32_t index = 0;
        Instant began{};
    };

    /// Opens the socket and starts to connect.
    void begin_connection(std::uint32_t index);
    /// Fails openings older than the timeout.
    void give_up_old(Instant now);
    /// Deals with an event of epoll.
    void on_event(std::uint32_t index, std::uint32_t events);
    /// The kernel has connected, or failed to.
    void on_connected(std::uint32_t index);
    /// Goes on with the TLS handshake.
    void secure(std::uint32_t index);
    /// The connection stands: says the first words.
    void begin_opening(std::uint32_t index);
    /// The opening is done.
    void become_ready(Connection& connection);
    /// Closes a connection: a failed opening, or a lost connection.
    void fail(std::uint32_t index, const std::string& why);
    /// Reads what has come: once, and over TLS until nothing is left in the link.
    void read(std::uint32_t index);
    /// Reads once and deals with the complete pieces. False: nothing has come.
    bool read_once(std::uint32_t index);
    /// Hands `size` bytes of the buffer to the dialect's opening. Returns how many bytes are done with.
    [[nodiscard]] std::size_t advance_opening(std::uint32_t index, std::size_t size);
    /// Deals with the pieces in the buffer from `done` to `size`. Returns up to where the buffer has been dealt with.
    template <Framing F>
    [[nodiscard]] std::size_t read_pieces(std::uint32_t index, std::size_t done, std::size_t size, Instant now);
    /// Deals with a piece that is no message of this run.
    void on_other(std::uint32_t index, const Piece& piece);
    /// Deals with the answer to a request.
    void on_answer(Connection& connection, const Piece& piece);
    /// Writes as much output as the kernel takes.
    void write_out(std::uint32_t index);
    /// Makes epoll watch for input, and for room to write if `write`.
    void watch(std::uint32_t index, bool write);
    void complain(const std::string& what);
    /// The connection's extra memory, taken from the spare if absent.
    [[nodiscard]] Extra& extra_of(Connection& connection);
    /// Gives the extra memory back if nothing is in there.
    void release_extra(Connection& connection);
    /// The facts of a connection for the dialect.
    [[nodiscard]] Opening opening_of(std::uint32_t index) const;
    [[nodiscard]] const Address& address_of(std::uint32_t index) const;
    [[nodiscard]] std::uint32_t total() const { return plan_.subscribers + plan_.publishers; }

    const Dialect& dialect_;
    Plan plan_;
    SwarmConfig config_;
    Ledger ledger_;
    /// See messages_at_once().
    std::uint32_t at_once_;
    std::vector<Address> subscribe_at_;
    std::vector<Address> publish_at_;
    std::vector<Address> sources_;
    chaos::Descriptor epoll_;
    /// An epoll of no connections, for rest().
    chaos::Descriptor nothing_;
    /// Subscribers first, then publishers.
    std::vector<Connection> connections_;
    /// Extras for the next connection in need.
    std::vector<std::unique_ptr<Extra>> spare_;
    std::vector<char> buffer_;
    std::vector<epoll_event> events_;
    /// Openings under way in the order of their begin, with finished openings among them.
    std::deque<Opened> opening_;
    std::uint32_t opening_count_ = 0;
    /// Present while connect() runs.
    ConnectReport* report_ = nullptr;
    std::uint64_t unanswered_ = 0;
    std::uint64_t answered_ = 0;
    std::uint32_t lost_ = 0;
    Complaints complaints_;
};

}  // namespace tulle::load
