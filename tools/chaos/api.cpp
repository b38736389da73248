#include "tools/chaos/api.hpp"

#include <chrono>
#include <stdexcept>
#include <utility>

#include "client/wire/server_url.hpp"

namespace tulle::chaos {
namespace {

/// The base URL of a node's edge. Throws std::invalid_argument for another form than HOST:PORT.
client::ServerUrl url_of(const std::string& listen) {
    auto url = client::parse_server_url("http://" + listen, "http");
    if (url.has_error()) {
        throw std::invalid_argument("\"" + listen + "\" is not HOST:PORT");
    }
    return std::move(*url);
}

}  // namespace

Api::Api(const Target& target, Duration timeout)
    : app_{target.app_id, target.app_key, target.app_secret}, connection_(url_of(target.listen), timeout) {}

client::Exchange Api::get(const std::string& path) {
    return call("GET", path, {});
}

client::Exchange Api::post(const std::string& path, const std::string& body) {
    return call("POST", path, body);
}

client::Exchange Api::call(const std::string& method, const std::string& path, const std::string& body) {
    // A node refuses a signature whose time is far from the node's clock, so every call is signed with the present
    // time.
    const auto wall = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
    std::string request = method + " " +
                          client::signed_target(app_, method, "/apps/" + app_.id + path, body,
                                                WallSeconds(std::chrono::seconds(wall.time_since_epoch()))) +
                          " HTTP/1.1\r\nHost: " + connection_.server().authority() +
                          "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
                          "\r\n\r\n" + body;
    return connection_.exchange(std::move(request));
}

}  // namespace tulle::chaos
