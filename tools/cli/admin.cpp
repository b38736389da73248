#include "tools/cli/admin.hpp"

#include <stdexcept>
#include <utility>

#include "client/wire/publish.hpp"
#include "client/wire/server_url.hpp"

namespace tulle::cli {
namespace {

client::ServerUrl parse(const std::string& address) {
    auto url = client::parse_server_url("http://" + address, "http");
    if (url.has_error() || !url->prefix.empty()) {
        throw std::invalid_argument("\"" + address + "\" is not the HOST:PORT of an admin listener");
    }
    return std::move(*url);
}

}  // namespace

Admin::Admin(const std::string& address, std::chrono::milliseconds timeout) : connection_(parse(address), timeout) {}

client::Exchange Admin::get(std::string_view target) {
    return connection_.exchange(client::get_request(connection_.server(), target));
}

}  // namespace tulle::cli
