#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

#include "mesh/base/time.hpp"
#include "node/core/address_limits.hpp"
#include "node/core/capacity.hpp"
#include "node/core/limits.hpp"
#include "node/core/memory_pressure.hpp"
#include "node/core/peer_address.hpp"
#include "node/edge/shard_counters.hpp"

namespace tulle::node {

struct NodeLimitsOptions {
    Capacity capacity = capacity_of(kMaxConnections);
    std::size_t connections_per_address = kDefaultConnectionsPerAddress;
    AuthThrottle::Options auth_failures{kDefaultAuthFailuresPerMinute, false};
};

/// What the shards of a node count together, as a limit that each of them kept for itself would depend on which of them
/// the kernel gives a connection to.
///
/// Thread: any, but the counters' writer. A lock is taken for each new connection, and for each signature of an address
///         that may fail so often only.
class NodeLimits {
public:
    explicit NodeLimits(const NodeLimitsOptions& options);

    enum class Entry : std::uint8_t { kLetIn, kNodeIsFull, kAddressIsFull };

    /// An address that is full is told so even when the node is full too. What is thrown leaves all counts as they
    /// were.
    [[nodiscard]] Entry enter(const PeerAddress& address);
    /// It has entered, and is to be a WebSocket client; false: there are as many as there may be.
    [[nodiscard]] bool enter_as_client();
    void leave(const PeerAddress& address, bool is_client);
    [[nodiscard]] const Capacity& capacity() const { return capacity_; }
    /// New clients are not wanted: the node is full, or has too little memory.
    [[nodiscard]] bool is_refusing() const {
        return is_full_.load(std::memory_order_relaxed) || pressure() != Pressure::kNone;
    }

    [[nodiscard]] Pressure pressure() const { return pressure_.load(std::memory_order_relaxed); }
    void set_pressure(Pressure pressure) { pressure_.store(pressure, std::memory_order_relaxed); }
    /// Each shard is to free so many bytes. An order replaces the one before.
    void order_shed(std::uint64_t bytes);
    /// The order, if it is another than `last`, which becomes it.
    [[nodiscard]] std::uint64_t take_shed_order(std::uint64_t& last) const;
    /// Gauges of the node, written by the memory's watch.
    [[nodiscard]] ShardCounters& counters() { return counters_; }

    void on_auth_failure(const PeerAddress& address, Instant now);
    [[nodiscard]] Duration shut_for(const PeerAddress& address, Instant now) const;

private:
    static constexpr unsigned kShedSerialShift = 48;

    const Capacity capacity_;
    std::atomic<std::size_t> sockets_{0};
    std::atomic<std::size_t> clients_{0};
    std::atomic<bool> is_full_{false};
    std::atomic<Pressure> pressure_{Pressure::kNone};
    std::atomic<std::uint64_t> shed_order_{0};  ///< bytes, and above them a number of its own
    ShardCounters counters_;
    mutable std::mutex addresses_mutex_;
    AddressCounts addresses_;
    mutable std::mutex throttle_mutex_;
    AuthThrottle throttle_;
};

/// The other end of a connection, which counts as one of the node and of its address until it leaves, or to the end of
/// this.
class Peer {
public:
    /// Of a listener that does not count.
    Peer() = default;
    /// REQUIRES: limits.enter(address) has let it in.
    Peer(const PeerAddress& address, std::shared_ptr<NodeLimits> limits)
        : address_(address), limits_(std::move(limits)) {}
    Peer(Peer&& other) noexcept = default;
    Peer& operator=(Peer&&) = delete;
    ~Peer() { leave(); }

    /// False: there are as many clients as there may be.
    [[nodiscard]] bool become_client() { return !limits_ || (is_client_ = limits_->enter_as_client()); }
    void leave() {
        if (limits_) {
            limits_->leave(address_, is_client_);
            limits_.reset();
        }
    }

    [[nodiscard]] const PeerAddress& address() const { return address_; }

private:
    PeerAddress address_;
    bool is_client_ = false;
    std::shared_ptr<NodeLimits> limits_;
};

}  // namespace tulle::node
