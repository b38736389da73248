#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>

#include "node/pusher/core/apps.hpp"

/// The admin listener's view of the apps, and of the settings that are to be the same on every node.
namespace tulle::node {

/// Apps shown with digests of their own. Of further apps only the digest of all tells that some differ.
inline constexpr std::size_t kMaxAppsShown = 256;

/// The digests of an app (AppDigests).
struct AppView {
    std::string id;
    std::string settings;
    std::string credentials;
};

/// The apps of a node, as nodes compare them.
struct AppsView {
    /// The id of the mesh key from which the key of the digests is derived; empty without mesh keys. Then there are no
    /// digests, as anybody could try secrets against them.
    std::string key = {};
    std::size_t count = 0;
    /// Of all apps, whatever their order.
    std::string digest = {};
    /// By id.
    std::vector<AppView> apps = {};
    /// Settings and their values that are to be the same on every node of a mesh.
    std::vector<std::pair<std::string, std::string>> rules = {};
};

/// Fills in everything but the rules. `key_id` names the mesh key that `key` was derived from; both are empty without
/// mesh keys.
void view_apps(AppsView& view, const AppTable& apps, const std::string& key_id, const std::string& key);

/// {"count":…,"key":…,"digest":…,"list":[{"id":…,"settings":…,"credentials":…},…],"rules":{…}}. Without mesh keys
/// "key", "digest" and "list" are missing.
[[nodiscard]] boost::json::object to_json(const AppsView& view);

}  // namespace tulle::node
