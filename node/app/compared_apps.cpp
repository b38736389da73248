#include "node/app/compared_apps.hpp"

#include <chrono>

namespace tulle::node {
namespace {

std::string in_ms(Duration duration) {
    return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count()) + " ms";
}

}  // namespace

ComparedApps::ComparedApps(const Config& config) : apps_(config.apps) {
    // What a client sees of a node. Times of a drain, and presence_grace, may differ while they are being changed.
    view_.rules = {{"activity_timeout", in_ms(config.timeouts.activity)},
                   {"pong_timeout", in_ms(config.timeouts.pong)},
                   {"permessage_deflate", config.permessage_deflate ? "true" : "false"},
                   {"outbox_bytes", std::to_string(config.outbox.max_bytes)},
                   {"write_timeout", in_ms(config.outbox.write_timeout)},
                   {"ready_min_members", std::to_string(config.ready_min_members)},
                   {"webhooks.retry_for", in_ms(config.webhooks.retry_for)},
                   {"webhooks.vacated_hold", in_ms(config.webhooks.vacated_hold)},
                   {"webhooks.removed_hold", in_ms(config.webhooks.removed_hold)}};
    set_keys(config.key_ring);
}

void ComparedApps::set_apps(const AppTable& apps) {
    apps_ = apps;
    view_apps(view_, apps_, key_id_, key_);
}

void ComparedApps::set_keys(const mesh::KeyRing& keys) {
    if (!keys.is_empty()) {
        const mesh::KeyBytes bytes = keys.used().derive("tulle/apps");
        key_id_ = keys.used().id();
        key_.assign(bytes.begin(), bytes.end());
    }
    view_apps(view_, apps_, key_id_, key_);
}

}  // namespace tulle::node
