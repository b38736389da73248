#include "node/pusher/core/apps.hpp"

#include <algorithm>

#include "node/web/core/origin_pattern.hpp"

namespace tulle::node {

bool allows_origin(const App& app, std::string_view origin) {
    return app.allowed_origins.empty() ||
           std::any_of(app.allowed_origins.begin(), app.allowed_origins.end(),
                       [origin](const std::string& pattern) { return matches_origin(pattern, origin); });
}

AppTable::AppTable(std::vector<App> apps) {
    const auto contents = std::make_shared<Contents>();
    contents->apps = std::move(apps);
    for (const App& app : contents->apps) {
        // The vector is complete, so pointers to the apps stay valid.
        contents->by_id.emplace(app.id, &app);
        contents->by_key.emplace(app.key, &app);
    }
    contents_ = contents;
}

const App* AppTable::find_by_key(std::string_view key) const {
    const auto found = contents_->by_key.find(key);
    return found == contents_->by_key.end() ? nullptr : found->second;
}

const App* AppTable::find_by_id(std::string_view id) const {
    const auto found = contents_->by_id.find(id);
    return found == contents_->by_id.end() ? nullptr : found->second;
}

std::pair<AppFate, const App*> fate_of(const App& before, const AppTable& now) {
    const App* app = now.find_by_id(before.id);
    // A new key means a withdrawn old key: clients connected with the old key must not stay.
    if (app == nullptr || app->key != before.key) {
        return {AppFate::kGone, nullptr};
    }
    return app->enabled ? std::pair{AppFate::kServed, app} : std::pair{AppFate::kDisabled, app};
}

}  // namespace tulle::node
