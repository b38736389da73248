#include "node/admin/apps_view.hpp"

#include <algorithm>

#include <boost/json/array.hpp>

#include "mesh/base/assert.hpp"
#include "mesh/base/digest.hpp"
#include "node/pusher/core/app_digests.hpp"

namespace tulle::node {

void view_apps(AppsView& view, const AppTable& apps, const std::string& key_id, const std::string& key) {
    TULLE_ASSERT(key_id.empty() == key.empty());
    view.key = key_id;
    view.count = apps.all().size();
    view.digest.clear();
    view.apps.clear();
    if (key.empty()) {
        return;
    }
    for (const App& app : apps.all()) {
        AppDigests digests = digests_of(app, key);
        view.apps.push_back({app.id, std::move(digests.settings), std::move(digests.credentials)});
    }
    std::sort(view.apps.begin(), view.apps.end(), [](const AppView& a, const AppView& b) { return a.id < b.id; });
    std::string all;
    for (const AppView& app : view.apps) {
        all.append(app.settings).append(app.credentials);
    }
    view.digest = hmac_sha256_hex(key, all).substr(0, 16);
    TULLE_ASSERT(view.apps.size() == view.count);
    view.apps.resize(std::min(view.apps.size(), kMaxAppsShown));
}

boost::json::object to_json(const AppsView& view) {
    boost::json::object object{{"count", view.count}};
    if (!view.key.empty()) {
        object["key"] = view.key;
        object["digest"] = view.digest;
        boost::json::array list;
        for (const AppView& app : view.apps) {
            list.push_back({{"id", app.id}, {"settings", app.settings}, {"credentials", app.credentials}});
        }
        object["list"] = std::move(list);
    }
    boost::json::object rules;
    for (const auto& [name, value] : view.rules) {
        rules[name] = value;
    }
    object["rules"] = std::move(rules);
    return object;
}

}  // namespace tulle::node
