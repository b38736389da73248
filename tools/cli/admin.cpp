#include "tools/cli/admin.hpp"

#include <stdexcept>
#include <utility>

#include "client/wire/publish.hpp"
#include "client/wire/server_url.hpp"

namespace tulle::cli {
namespace {

constexpr std::size_t kMaxAnswerBytes = std::size_t{64} << 20;

client::ServerUrl parse(const std::string& address) {
    // As a URL too: TULLE_ADMIN has one value for this program and for the node.
    const std::string text = address.starts_with("http://") ? address : "http://" + address;
    auto url = client::parse_server_url(text, "http");
    if (url.has_error() || !url->prefix.empty()) {
        throw std::invalid_argument("\"" + address + "\" is not the HOST:PORT of an admin listener");
    }
    return std::move(*url);
}

}  // namespace

Admin::Admin(const std::string& address, std::chrono::milliseconds timeout) : connection_(parse(address), timeout, kMaxAnswerBytes) {}

client::Exchange Admin::get(std::string_view target) {
    return connection_.exchange(client::get_request(connection_.server(), target));
}

client::Exchange Admin::post(std::string_view target) {
    return connection_.exchange(client::post_request(connection_.server(), target));
}

}  // namespace tulle::cli
