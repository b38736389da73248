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

namespace tulle::load {

[[nodiscard]] Instant monotonic_now();

struct SwarmConfig {
    std::vector<std::string> subscribe_at;  ///< HOST:PORT, taken in turn
    std::vector<std::string> publish_at;
    std::vector<std::string>
        source_addresses;                 ///< taken in turn; empty: the kernel's choice (28,000 ports for one target)
    double connects_per_second = 0;       ///< 0: as fast as it goes
    std::uint32_t opening_at_once = 128;  ///< connections that are not ready yet
    Duration open_timeout{std::chrono::seconds(20)};
};

struct ConnectReport {
    std::uint32_t ready = 0;
    std::uint32_t failed = 0;
    std::string first_failure;
    Duration took{};
    Histogram latency;  ///< from connect() until subscribed to all
};

/// Many connections in one thread: non-blocking sockets and a level-triggered epoll. Reads into one buffer for all, so
/// that a connection needs memory of its own only while it holds an incomplete piece or output that the kernel does not
/// take.
///
/// Errors: the constructor throws std::invalid_argument when fewer descriptors are allowed than needed, and
///         std::runtime_error for an address that cannot be resolved and a system that cannot wait exactly.
///         A connection that is lost later is counted, see lost().
/// Limits: RLIMIT_NOFILE, which is raised to the hard limit. Thread: one.
class Swarm {
public:
    static constexpr int kEventsAtOnce = 1'024;

    Swarm(const Dialect& dialect, const Plan& plan, SwarmConfig config);
    ~Swarm();
    Swarm(const Swarm&) = delete;
    Swarm& operator=(const Swarm&) = delete;

    /// Opens all connections, subscribers first. `progress` is called about ten times a second with the numbers of
    /// those that are ready and failed so far, and ends it by returning false; it may be empty.
    [[nodiscard]] ConnectReport connect(const std::function<bool(std::uint32_t, std::uint32_t)>& progress);

    /// Serves what is ready, `most` connections at most, and waits for it until `until`. Returns how many connections
    /// were.
    std::size_t poll(Instant until, int most = kEventsAtOnce);

    /// Looks at nothing for so long. Who sends to a process that waits pays for waking it, each time: with this the
    /// sender's CPU is that of sending alone, and many messages are found at once.
    void rest(Duration time) const;

    /// Whether more may be written for this publisher now.
    [[nodiscard]] bool can_write(std::uint32_t publisher) const;
    /// How many messages may be written at once when it can_write.
    [[nodiscard]] std::uint32_t messages_at_once() const { return at_once_; }
    void append_message(std::uint32_t publisher, std::uint32_t channel, std::string_view text);
    /// Sends what was appended since the last time.
    void flush(std::uint32_t publisher);
    /// Requests that publishers still wait for the answer to.
    [[nodiscard]] std::uint64_t unanswered() const { return unanswered_; }
    /// Requests answered well since the beginning.
    [[nodiscard]] std::uint64_t answered() const { return answered_; }

    [[nodiscard]] Ledger& ledger() { return ledger_; }
    [[nodiscard]] std::uint32_t lost() const { return lost_; }
    /// What servers had to complain of since the last call, the first in words.
    struct Complaints {
        std::uint64_t count = 0;
        std::string first;
    };
    [[nodiscard]] Complaints take_complaints();
    [[nodiscard]] const Complaints& complaints() const { return complaints_; }

    /// Readable when poll() has something to do.
    [[nodiscard]] int descriptor() const { return epoll_.get(); }

private:
    // More fields than 15: where to connect, the connections, and buffers that all of them share.
    /// What a connection has only while it needs it.
    struct Extra {
        std::string held;      ///< an incomplete piece
        std::string out;       ///< not yet taken by the kernel
        std::size_t sent = 0;  ///< of `out`
        std::string messages;  ///< of the request that is being put together
        Opening opening;
        Instant began{};
    };
    enum class State : std::uint8_t { kConnecting, kOpening, kReady, kClosed };
    struct Connection {
        chaos::Descriptor socket;
        Receiver receiver;
        State state = State::kClosed;
        Role role = Role::kSubscriber;
        Framing framing = Framing::kWebSocket;
        bool wants_write = false;
        bool awaits_answer = false;
        std::unique_ptr<Extra> extra;
    };
    struct Opened {
        std::uint32_t index = 0;
        Instant began{};
    };

    void begin_connection(std::uint32_t index);
    void give_up_old(Instant now);
    void on_event(std::uint32_t index, std::uint32_t events);
    void on_connected(std::uint32_t index);
    void become_ready(Connection& connection);
    void fail(std::uint32_t index, const std::string& why);
    void read(std::uint32_t index);
    [[nodiscard]] std::size_t advance_opening(std::uint32_t index, std::size_t size);
    template <Framing F>
    [[nodiscard]] std::size_t read_pieces(std::uint32_t index, std::size_t done, std::size_t size, Instant now);
    void on_other(std::uint32_t index, const Piece& piece);
    void on_answer(Connection& connection, const Piece& piece);
    void write_out(std::uint32_t index);
    void watch(std::uint32_t index, bool write);
    void complain(const std::string& what);
    [[nodiscard]] Extra& extra_of(Connection& connection);
    void release_extra(Connection& connection);
    [[nodiscard]] Opening opening_of(std::uint32_t index) const;
    [[nodiscard]] const Address& address_of(std::uint32_t index) const;
    [[nodiscard]] std::uint32_t total() const { return plan_.subscribers + plan_.publishers; }

    const Dialect& dialect_;
    Plan plan_;
    SwarmConfig config_;
    Ledger ledger_;
    std::uint32_t at_once_;
    std::vector<Address> subscribe_at_;
    std::vector<Address> publish_at_;
    std::vector<Address> sources_;
    chaos::Descriptor epoll_;
    chaos::Descriptor nothing_;  ///< an epoll of no connections, for rest()
    std::vector<Connection> connections_;
    std::vector<std::unique_ptr<Extra>> spare_;
    std::vector<char> buffer_;
    std::vector<epoll_event> events_;
    std::deque<Opened> opening_;
    std::uint32_t opening_count_ = 0;
    ConnectReport* report_ = nullptr;  ///< while connect() runs
    std::uint64_t unanswered_ = 0;
    std::uint64_t answered_ = 0;
    std::uint32_t lost_ = 0;
    Complaints complaints_;
};

}  // namespace tulle::load
