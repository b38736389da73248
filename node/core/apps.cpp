#include "node/core/apps.hpp"

#include <algorithm>

namespace tulle::node {
namespace {

/// REQUIRES: lower case. A pattern's "*." stands for one or more labels of a host's name.
bool matches_origin(std::string_view pattern, std::string_view origin) {
    const std::size_t star = pattern.find("*.");
    if (star == std::string_view::npos) {
        return pattern == "*" || pattern == origin;
    }
    const std::string_view head = pattern.substr(0, star);
    const std::string_view tail = pattern.substr(star + 1);
    if (origin.size() <= head.size() + tail.size() || !origin.starts_with(head) || !origin.ends_with(tail)) {
        return false;
    }
    const std::string_view labels = origin.substr(head.size(), origin.size() - head.size() - tail.size());
    return labels.find_first_of("/:@") == std::string_view::npos;
}

std::string lower_case(std::string_view text) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return lower;
}

}  // namespace

bool allows_origin(const App& app, std::string_view origin) {
    const std::string lower = lower_case(origin);
    return app.allowed_origins.empty() ||
           std::any_of(app.allowed_origins.begin(), app.allowed_origins.end(),
                       [&lower](const std::string& pattern) { return matches_origin(lower_case(pattern), lower); });
}

AppTable::AppTable(std::vector<App> apps) {
    const auto contents = std::make_shared<Contents>();
    contents->apps = std::move(apps);
    for (const App& app : contents->apps) {
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
    if (app == nullptr || app->key != before.key) {
        return {AppFate::kGone, nullptr};
    }
    return app->enabled ? std::pair{AppFate::kServed, app} : std::pair{AppFate::kDisabled, app};
}

}  // namespace tulle::node
