#include "tools/cli/admin.hpp"

#include <stdexcept>
#include <utility>

#include "client/wire/publish.hpp"
#include "client/wire/server_url.hpp"

namespace tulle::cli {
namespace {

// See the limits of Admin.
constexpr std::size_t kMaxAnswerBytes = std::size_t{64} << 20;

/// True when `address` names a port. Port 80, the default port of a URL, is nobody's admin listener.
bool names_port(const std::string& address) {
    const std::size_t colon = address.rfind(':');
    return colon != std::string::npos && colon + 1 < address.size() && address.find(']', colon) == std::string::npos;
}

/// Reads the address of an admin listener. Throws std::invalid_argument.
client::ServerUrl parse(const std::string& address) {
    // A URL is accepted too, because TULLE_ADMIN has a single value for this program and for the node.
    const bool is_url = address.starts_with("http://");
    auto url = client::parse_server_url(is_url ? address : "http://" + address, "http");
    if (url.has_error() || !url->prefix.empty() || !(is_url || names_port(address))) {
        throw std::invalid_argument("'" + address + "' is not HOST:PORT, the address of an admin listener");
    }
    return std::move(*url);
}

}  // namespace

Admin::Admin(const std::string& address, std::chrono::milliseconds timeout)
    : connection_(parse(address), timeout, kMaxAnswerBytes) {}

client::Exchange Admin::get(std::string_view target) {
    return connection_.exchange(client::get_request(connection_.server(), target));
}

client::Exchange Admin::post(std::string_view target) {
    return connection_.exchange(client::post_request(connection_.server(), target));
}

}  // namespace tulle::cli
