#include "node/core/apps.hpp"

#include <algorithm>

namespace tulle::node {

const App* AppTable::find_by_key(std::string_view key) const {
    const auto found = std::find_if(apps_.begin(), apps_.end(), [key](const App& app) { return app.key == key; });
    return found == apps_.end() ? nullptr : &*found;
}

const App* AppTable::find_by_id(std::string_view id) const {
    const auto found = std::find_if(apps_.begin(), apps_.end(), [id](const App& app) { return app.id == id; });
    return found == apps_.end() ? nullptr : &*found;
}

std::size_t AppTable::max_event_bytes() const {
    std::size_t bytes = kDefaultMaxEventBytes;
    for (const App& app : apps_) {
        bytes = std::max(bytes, app.max_event_bytes);
    }
    return bytes;
}

}  // namespace tulle::node
