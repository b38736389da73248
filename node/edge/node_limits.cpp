#include "node/edge/node_limits.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

#include "mesh/base/assert.hpp"
#include "node/core/limits.hpp"

namespace tulle::node {
static_assert(kReopenPercent < 100, "a node that was full does not flap");

namespace {

// Ends the refusing when enough clients have gone.
void reopen(std::atomic<bool>& is_full, const Capacity& capacity, std::size_t clients) {
    if (clients <= capacity.clients * kReopenPercent / 100) {
        is_full.store(false);
    }
}

}  // namespace

NodeLimits::NodeLimits(const NodeLimitsOptions& options)
    : capacity_(options.capacity),
      proxies_(options.proxies),
      min_members_(options.min_members),
      addresses_(options.connections_per_address),
      throttle_(options.auth_failures) {
    counters_.max_connections.set(capacity_.connections);
}

/// Counts the address first: a connection past the limit of its address must not make another connection go.
/// AddressCounts::enter may throw, so nothing is counted before.
NodeLimits::Entry NodeLimits::enter(const std::optional<PeerAddress>& address) {
    const std::lock_guard lock(addresses_mutex_);
    if (address && !addresses_.enter(*address)) {
        return Entry::kAddressIsFull;
    }
    if (sockets_.fetch_add(1, std::memory_order_relaxed) >= capacity_.connections) {
        sockets_.fetch_sub(1, std::memory_order_relaxed);
        if (address) {
            addresses_.leave(*address);
        }
        return Entry::kNodeIsFull;
    }
    return Entry::kLetIn;
}

bool NodeLimits::enter_address(const PeerAddress& address) {
    const std::lock_guard lock(addresses_mutex_);
    return addresses_.enter(address);
}

bool NodeLimits::may_tell_of_proxies(Instant now) {
    Instant told_at = proxy_told_at_.load(std::memory_order_relaxed);
    // Another shard that has just taken the turn leaves none for this shard.
    return now >= told_at + kProxyLogInterval &&
           proxy_told_at_.compare_exchange_strong(told_at, now, std::memory_order_relaxed);
}

std::string NodeLimits::why_not_ready(bool has_joined) const {
    if (!has_joined) {
        return "the node has not joined the mesh";
    }
    if (!has_members()) {
        return std::to_string(members_.load(std::memory_order_relaxed)) + " of " + std::to_string(min_members_) +
               " members";
    }
    if (pressure() != Pressure::kNone) {
        return "memory is short";
    }
    if (is_refusing()) {
        return "the node is full";
    }
    return is_taking_over() ? "keys are taken over" : "";
}

NodeLimits::CheckAnswer NodeLimits::answer_check(bool has_joined, bool is_ending, unsigned drain_status) {
    if (drain() != DrainState::kServing || is_ending) {
        note_told_check();
        return {drain_status, "draining\n"};
    }
    return has_joined && takes_clients() ? CheckAnswer{200, "ready\n"}
                                         : CheckAnswer{503, "not ready: " + why_not_ready(has_joined) + "\n"};
}

/// All atomic operations here have a single order (sequential consistency): a node that has just set is_full_ sees
/// every client that left before, and clears is_full_ again.
bool NodeLimits::enter_as_client() {
    const std::size_t before = clients_.fetch_add(1);
    if (before + 1 >= capacity_.clients) {
        is_full_.store(true);
        reopen(is_full_, capacity_, clients_.load());
    }
    // No place is left, so the count goes back.
    if (before >= capacity_.clients) {
        clients_.fetch_sub(1);
        return false;
    }
    return true;
}

void NodeLimits::leave(const std::optional<PeerAddress>& address, bool is_client) {
    sockets_.fetch_sub(1, std::memory_order_relaxed);
    if (is_client) {
        reopen(is_full_, capacity_, clients_.fetch_sub(1) - 1);
    }
    if (address) {
        const std::lock_guard lock(addresses_mutex_);
        addresses_.leave(*address);
    }
}

void NodeLimits::order_shed(std::uint64_t bytes) {
    // The next serial number makes the order differ from the order before. A single thread gives orders, so load and
    // store need no exchange.
    const std::uint64_t serial = (shed_order_.load(std::memory_order_relaxed) >> kShedSerialShift) + 1;
    const std::uint64_t most = (std::uint64_t{1} << kShedSerialShift) - 1;
    shed_order_.store((serial << kShedSerialShift) | std::min(bytes, most), std::memory_order_relaxed);
}

std::uint64_t NodeLimits::take_shed_order(std::uint64_t& last) const {
    const std::uint64_t order = shed_order_.load(std::memory_order_relaxed);
    return std::exchange(last, order) == order ? 0 : order & ((std::uint64_t{1} << kShedSerialShift) - 1);
}

void NodeLimits::on_auth_failure(const PeerAddress& address, Instant now) {
    // is_exempt reads constants: an address without limit costs no lock.
    if (throttle_.is_exempt(address)) {
        return;
    }
    {
        const std::lock_guard lock(throttle_mutex_);
        if (!throttle_.on_failure(address, now) || now < throttle_told_at_ + kThrottleLogInterval) {
            return;
        }
        throttle_told_at_ = now;
    }
    spdlog::warn("{} has sent too many wrong signatures: for up to a minute its wrong signatures are answered with 429",
                 to_string(address));
}

Duration NodeLimits::shut_for(const PeerAddress& address, Instant now) const {
    if (throttle_.is_exempt(address)) {
        return {};
    }
    const std::lock_guard lock(throttle_mutex_);
    return throttle_.shut_for(address, now);
}

bool Peer::be_client_of_proxy(const IpAddress& client) {
    TULLE_ASSERT(is_proxy_ && !is_counted_);
    address_ = peer_of(client);
    // A chain of proxies: the next proxy in the chain may name the client yet.
    is_proxy_ = limits_->proxies().holds(client);
    is_counted_ = !is_proxy_ && limits_->enter_address(address_);
    return is_proxy_ || is_counted_;
}

}  // namespace tulle::node
