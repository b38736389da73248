#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string_view>

#include "mesh/base/time.hpp"
#include "node/pusher/core/apps.hpp"
#include "node/pusher/core/ration.hpp"

namespace tulle::node {

/// The quotas and allowances of the apps (Rations). All shards of a node count together here.
///
/// Thread: any. A lock is held for the length of a call: for each client that comes or goes, and for each request of an
///         app with an allowance. No call waits for anything but the lock.
/// Limits: see Rations.
/// Errors: none.
class AppRations {
public:
    explicit AppRations(AppTable apps) : apps_(std::move(apps)) {}

    /// See Rations::open_connection(). A true answer obliges the caller to call close_connection() later.
    [[nodiscard]] bool open_connection(const App& app);
    void close_connection(std::string_view app_id);
    /// See Rations::take(). Takes no lock for an app without the allowance in question.
    [[nodiscard]] Grant take(Instant now, const App& app, Rationed what, std::size_t points);

    /// The uses of this node for the other nodes, see Rations::uses(). `now` must not go backwards.
    [[nodiscard]] Rations::Uses uses(Instant now);
    /// The uses of the other nodes, see Rations::on_others().
    void on_others(std::uint64_t sources, const Rations::Uses& others);
    /// A new configuration. Counts of connections stay.
    void set_apps(AppTable apps);

private:
    std::mutex mutex_;
    Rations rations_;
    AppTable apps_;
};

}  // namespace tulle::node
