#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "mesh/base/time.hpp"
#include "node/core/address_limits.hpp"
#include "node/core/capacity.hpp"
#include "node/core/drain_state.hpp"
#include "node/core/limits.hpp"
#include "node/core/memory_pressure.hpp"
#include "node/core/peer_address.hpp"
#include "node/core/trusted_proxies.hpp"
#include "node/edge/refusal_watch.hpp"
#include "node/edge/shard_counters.hpp"

namespace tulle::node {

/// The limits of a node, as configured.
struct NodeLimitsOptions {
    Capacity capacity = capacity_of(kMaxConnections);
    std::size_t connections_per_address = kDefaultConnectionsPerAddress;
    AuthThrottle::Options auth_failures{kDefaultAuthFailuresPerMinute, false};
    TrustedProxies proxies{};
    /// Living nodes, this node among them, without which balancers are to send no clients here.
    std::size_t min_members = 1;
};

/// The counts that the shards of a node share. A limit kept by each shard for itself would depend on the shard that the
/// kernel gives a connection to.
///
/// Thread: any thread, except that only the memory watch writes the counters. Each new connection takes a lock; a
///         signature check takes a lock only for addresses whose failures are counted.
class NodeLimits {
public:
    explicit NodeLimits(const NodeLimitsOptions& options);

    enum class Entry : std::uint8_t { kLetIn, kNodeIsFull, kAddressIsFull };

    /// Counts a new connection of `address`; without an address, for the node alone. A full address is reported as full
    /// even when the node is full too. An exception leaves all counts unchanged.
    [[nodiscard]] Entry enter(const std::optional<PeerAddress>& address);
    /// Counts a connection that has entered without an address for `address`. False: the address holds as many
    /// connections as allowed, and nothing is counted. An exception leaves all counts unchanged.
    [[nodiscard]] bool enter_address(const PeerAddress& address);
    /// Counts a connection that has entered as a WebSocket client. False: the node has as many clients as allowed, and
    /// nothing is counted.
    [[nodiscard]] bool enter_as_client();
    /// Uncounts a connection. `address`: the connection counts for the address. `is_client`: enter_as_client has
    /// returned true for the connection.
    void leave(const std::optional<PeerAddress>& address, bool is_client);
    [[nodiscard]] const Capacity& capacity() const { return capacity_; }
    [[nodiscard]] const TrustedProxies& proxies() const { return proxies_; }
    /// True once in kProxyLogInterval: the caller may write a line in the log about a refused connection of a proxy.
    [[nodiscard]] bool may_tell_of_proxies(Instant now);
    /// True when new clients are not wanted: the node is full, or has too little memory.
    [[nodiscard]] bool is_refusing() const {
        return is_full_.load(std::memory_order_relaxed) || pressure() != Pressure::kNone;
    }

    /// True while the node takes over from other nodes what its clients will ask for: clients are served already, and
    /// orchestrators must not end the other nodes yet.
    [[nodiscard]] bool is_taking_over() const { return is_taking_over_.load(std::memory_order_relaxed); }
    void set_taking_over(bool is_taking_over) { is_taking_over_.store(is_taking_over, std::memory_order_relaxed); }

    /// How far the node has gone in letting its clients go. The main thread sets the state.
    [[nodiscard]] DrainState drain() const { return drain_.load(std::memory_order_relaxed); }
    /// True once a signal has come that ends the process when the drain is over.
    [[nodiscard]] bool stops() const { return stops_.load(std::memory_order_relaxed); }
    void set_drain(DrainState state, bool stops) {
        drain_.store(state, std::memory_order_relaxed);
        stops_.store(stops, std::memory_order_relaxed);
    }
    /// Counts the answers to health checks that have told of the drain.
    [[nodiscard]] std::uint64_t told_checks() const { return told_checks_.load(std::memory_order_relaxed); }
    void note_told_check() { told_checks_.fetch_add(1, std::memory_order_relaxed); }
    /// The nodes of the mesh with which this node has a session, and this node itself. The hub sets the number.
    void set_members(std::size_t members) { members_.store(members, std::memory_order_relaxed); }
    [[nodiscard]] bool has_members() const { return members_.load(std::memory_order_relaxed) >= min_members_; }

    /// True when load balancers may send clients to this node, as far as these limits know.
    [[nodiscard]] bool takes_clients() const {
        return drain() == DrainState::kServing && has_members() && !is_refusing() && !is_taking_over();
    }
    /// The answer to a health check.
    struct CheckAnswer {
        /// 200: balancers may send clients.
        unsigned status = 200;
        std::string text{};
    };
    /// What a listener answers to a check. `has_joined`: the hub says that the node serves. `is_ending`: the listener's
    /// last moments have begun, in which it says "draining" as well. Counts an answer that tells of the drain, which
    /// has the status `drain_status`.
    [[nodiscard]] CheckAnswer answer_check(bool has_joined, bool is_ending, unsigned drain_status);
    /// Why a node that does not drain takes no clients: "1 of 3 members", for instance. `has_joined`: the hub says that
    /// the node serves. Empty: the node takes clients.
    [[nodiscard]] std::string why_not_ready(bool has_joined) const;

    /// The measures against a lack of memory, by the last measurement.
    [[nodiscard]] Pressure pressure() const { return pressure_.load(std::memory_order_relaxed); }
    void set_pressure(Pressure pressure) { pressure_.store(pressure, std::memory_order_relaxed); }
    /// Orders each shard to free `bytes`. An order replaces the order before.
    void order_shed(std::uint64_t bytes);
    /// Returns the bytes of the present order when the order is not `last`, otherwise 0. Sets `last` to the present
    /// order.
    [[nodiscard]] std::uint64_t take_shed_order(std::uint64_t& last) const;
    /// Gauges of the node, written by the memory watch.
    [[nodiscard]] ShardCounters& counters() { return counters_; }

    /// Says who was refused, for those who ask.
    [[nodiscard]] RefusalWatch& refusals() { return refusals_; }

    /// Counts a wrong signature of `address`. Says in the log which address has sent too many.
    void on_auth_failure(const PeerAddress& address, Instant now);
    /// How long wrong signatures of `address` get the answer for too many failures; 0: the address is not shut.
    [[nodiscard]] Duration shut_for(const PeerAddress& address, Instant now) const;

private:
    // More fields than 15: each limit that the shards share has a count and a state, mostly atomic, here.

    /// A shed order holds the bytes in the lower 48 bits, and a serial number above: two orders of equal size must
    /// differ.
    static constexpr unsigned kShedSerialShift = 48;

    const Capacity capacity_;
    const TrustedProxies proxies_;
    const std::size_t min_members_;
    std::atomic<std::size_t> members_{1};
    /// The time of the last line in the log about a refused connection of a proxy.
    std::atomic<Instant> proxy_told_at_{Instant::min()};
    /// Connections of all kinds.
    std::atomic<std::size_t> sockets_{0};
    /// WebSocket clients.
    std::atomic<std::size_t> clients_{0};
    std::atomic<bool> is_taking_over_{false};
    /// Set with the last free place of a client; cleared when 2 % of the clients have gone (kReopenPercent).
    std::atomic<bool> is_full_{false};
    std::atomic<DrainState> drain_{DrainState::kServing};
    std::atomic<bool> stops_{false};
    std::atomic<std::uint64_t> told_checks_{0};
    std::atomic<Pressure> pressure_{Pressure::kNone};
    /// Bytes and serial number of the last order; 0: no order yet.
    std::atomic<std::uint64_t> shed_order_{0};
    ShardCounters counters_;
    RefusalWatch refusals_;
    mutable std::mutex addresses_mutex_;
    AddressCounts addresses_;
    mutable std::mutex throttle_mutex_;
    AuthThrottle throttle_;
    /// The time of the last line in the log about a shut address.
    Instant throttle_told_at_ = Instant::min();
};

/// The client at the other end of a connection. This class is the single place where the client's address is kept: the
/// address of the socket, or the address that a trusted proxy has named instead. A peer counts as a connection of the
/// node, and of its address unless the address is a trusted proxy's, until leave() or the end of the object.
class Peer {
public:
    /// A peer of a listener that does not count connections.
    Peer() = default;
    /// REQUIRES: limits.enter() has returned Entry::kLetIn: for the address, or without an address when
    /// limits.proxies() holds `from`. The peer then owns that count.
    Peer(const IpAddress& from, std::shared_ptr<NodeLimits> limits)
        : address_(peer_of(from)),
          is_proxy_(limits->proxies().holds(from)),
          is_counted_(!is_proxy_),
          limits_(std::move(limits)) {}
    /// A client at `address` of a listener that does not count connections.
    explicit Peer(const PeerAddress& address) : address_(address) {}
    Peer(Peer&& other) noexcept = default;
    Peer& operator=(Peer&&) = delete;
    ~Peer() { leave(); }

    /// The trusted proxy at the other end has named its client: the peer has the client's address from here on, and
    /// counts for the address. False: the address holds as many connections as allowed.
    /// REQUIRES: is_proxy(). An exception leaves all counts unchanged.
    [[nodiscard]] bool be_client_of_proxy(const IpAddress& client);
    /// True while the address is a trusted proxy's: headers of HTTP then name the client of each request.
    [[nodiscard]] bool is_proxy() const { return is_proxy_; }
    /// REQUIRES: is_proxy().
    [[nodiscard]] const TrustedProxies& proxies() const { return limits_->proxies(); }

    /// Counts the connection as a WebSocket client. False: the node has as many clients as allowed.
    [[nodiscard]] bool become_client() { return !limits_ || (is_client_ = limits_->enter_as_client()); }
    /// Gives the counts back early, when the socket closes before the object ends. Further calls do nothing.
    void leave() {
        if (limits_) {
            limits_->leave(is_counted_ ? std::optional(address_) : std::nullopt, is_client_);
            limits_.reset();
        }
    }

    /// The address of the client, as far as known.
    [[nodiscard]] const PeerAddress& address() const { return address_; }

private:
    PeerAddress address_;
    bool is_client_ = false;
    bool is_proxy_ = false;
    /// The connection counts for the address.
    bool is_counted_ = false;
    std::shared_ptr<NodeLimits> limits_;
};

}  // namespace tulle::node
