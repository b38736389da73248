#include "node/pusher/edge/app_rations.hpp"

#include <utility>

namespace tulle::node {

bool AppRations::open_connection(const App& app) {
    const std::lock_guard lock(mutex_);
    return rations_.open_connection(app);
}

void AppRations::close_connection(std::string_view app_id) {
    const std::lock_guard lock(mutex_);
    rations_.close_connection(app_id);
}

Grant AppRations::take(Instant now, const App& app, Rationed what, std::size_t points) {
    // Most apps have no allowance, and their requests should not meet at the lock.
    if (allowance_of(app, what) == 0) {
        return {};
    }
    const std::lock_guard lock(mutex_);
    return rations_.take(now, app, what, points);
}

Rations::Uses AppRations::uses(Instant now) {
    const std::lock_guard lock(mutex_);
    return rations_.uses(now, apps_);
}

void AppRations::on_others(std::uint64_t sources, const Rations::Uses& others) {
    const std::lock_guard lock(mutex_);
    rations_.on_others(sources, others);
}

void AppRations::set_apps(AppTable apps) {
    const std::lock_guard lock(mutex_);
    apps_ = std::move(apps);
    rations_.on_apps(apps_);
}

}  // namespace tulle::node
