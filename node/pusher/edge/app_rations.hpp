#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string_view>

#include "mesh/base/time.hpp"
#include "node/pusher/core/apps.hpp"
#include "node/pusher/core/ration.hpp"

namespace tulle::node {

/// The quotas and allowances of the apps (Rations), which the shards of a node count together.
///
/// Thread: any. A lock is taken for each client that comes and goes, and for each request of an app with a rate.
class AppRations {
public:
    explicit AppRations(AppTable apps) : apps_(std::move(apps)) {}

    [[nodiscard]] bool open_connection(const App& app);
    void close_connection(std::string_view app_id);
    [[nodiscard]] Grant take(Instant now, const App& app, Rationed what, std::size_t points);

    [[nodiscard]] Rations::Uses uses(Instant now);
    void on_others(std::uint64_t sources, const Rations::Uses& others);
    void set_apps(AppTable apps);

private:
    std::mutex mutex_;
    Rations rations_;
    AppTable apps_;
};

}  // namespace tulle::node
