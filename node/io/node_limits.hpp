#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

#include "mesh/base/time.hpp"
#include "node/core/address_limits.hpp"
#include "node/core/apps.hpp"
#include "node/core/limits.hpp"
#include "node/core/peer_address.hpp"
#include "node/core/ration.hpp"

namespace tulle::node {

struct NodeLimitsOptions {
    std::size_t connections_per_address = kDefaultConnectionsPerAddress;
    AuthThrottle::Options auth_failures{kDefaultAuthFailuresPerMinute, false};
};

/// What the shards of a node count together, as a limit that each of them kept for itself would depend on which of them the
/// kernel gives a connection to.
///
/// Thread: any. A lock is taken for each new connection, for each request of an app with a rate, and for each signature
///         of an address that may fail so often only.
class NodeLimits {
public:
    NodeLimits(const NodeLimitsOptions& options, AppTable apps);

    [[nodiscard]] bool enter(const PeerAddress& address);
    void leave(const PeerAddress& address);

    void on_auth_failure(const PeerAddress& address, Instant now);
    [[nodiscard]] Duration shut_for(const PeerAddress& address, Instant now) const;

    [[nodiscard]] bool open_connection(const App& app);
    void close_connection(std::string_view app_id);
    [[nodiscard]] Grant take(Instant now, const App& app, Rationed what, std::size_t points);

    [[nodiscard]] Rations::Uses uses(Instant now);
    void on_others(std::uint64_t sources, const Rations::Uses& others);
    void set_apps(AppTable apps);

private:
    mutable std::mutex addresses_mutex_;
    AddressCounts addresses_;
    mutable std::mutex throttle_mutex_;
    AuthThrottle throttle_;
    mutable std::mutex rations_mutex_;
    Rations rations_;
    AppTable apps_;
};

/// The other end of a connection, which counts as one of its address for as long as this lives.
class Peer {
public:
    /// Of a listener that does not count.
    Peer() = default;
    /// REQUIRES: limits.enter(address) has let it in.
    Peer(const PeerAddress& address, std::shared_ptr<NodeLimits> limits) : address_(address), limits_(std::move(limits)) {}
    Peer(Peer&& other) noexcept = default;
    Peer& operator=(Peer&&) = delete;
    ~Peer() {
        if (limits_) {
            limits_->leave(address_);
        }
    }

    [[nodiscard]] const PeerAddress& address() const { return address_; }

private:
    PeerAddress address_;
    std::shared_ptr<NodeLimits> limits_;
};

}  // namespace tulle::node
