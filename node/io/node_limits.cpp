#include "node/io/node_limits.hpp"

namespace tulle::node {

NodeLimits::NodeLimits(const NodeLimitsOptions& options, AppTable apps)
    : addresses_(options.connections_per_address), throttle_(options.auth_failures), apps_(std::move(apps)) {}

bool NodeLimits::enter(const PeerAddress& address) {
    const std::lock_guard lock(addresses_mutex_);
    return addresses_.enter(address);
}

void NodeLimits::leave(const PeerAddress& address) {
    const std::lock_guard lock(addresses_mutex_);
    addresses_.leave(address);
}

void NodeLimits::on_auth_failure(const PeerAddress& address, Instant now) {
    if (throttle_.is_exempt(address)) {
        return;
    }
    const std::lock_guard lock(throttle_mutex_);
    throttle_.on_failure(address, now);
}

Duration NodeLimits::shut_for(const PeerAddress& address, Instant now) const {
    if (throttle_.is_exempt(address)) {
        return {};
    }
    const std::lock_guard lock(throttle_mutex_);
    return throttle_.shut_for(address, now);
}

bool NodeLimits::open_connection(const App& app) {
    const std::lock_guard lock(rations_mutex_);
    return rations_.open_connection(app);
}

void NodeLimits::close_connection(std::string_view app_id) {
    const std::lock_guard lock(rations_mutex_);
    rations_.close_connection(app_id);
}

Grant NodeLimits::take(Instant now, const App& app, Rationed what, std::size_t points) {
    if (allowance_of(app, what) == 0) {
        return {};
    }
    const std::lock_guard lock(rations_mutex_);
    return rations_.take(now, app, what, points);
}

Rations::Uses NodeLimits::uses(Instant now) {
    const std::lock_guard lock(rations_mutex_);
    return rations_.uses(now, apps_);
}

void NodeLimits::on_others(std::uint64_t sources, const Rations::Uses& others) {
    const std::lock_guard lock(rations_mutex_);
    rations_.on_others(sources, others);
}

void NodeLimits::set_apps(AppTable apps) {
    const std::lock_guard lock(rations_mutex_);
    apps_ = std::move(apps);
    rations_.on_apps(apps_);
}

}  // namespace tulle::node
