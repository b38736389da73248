#include "tools/cli/admin.hpp"

#include <iostream>
#include <stdexcept>
#include <utility>

#include "client/wire/publish.hpp"
#include "client/wire/server_url.hpp"
#include "mesh/keys/secret_file.hpp"
#include "node/admin/admin_tokens.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/reload_text.hpp"

namespace tulle::cli {
namespace {

// See the limits of Admin.
constexpr std::size_t kMaxAnswerBytes = std::size_t{64} << 20;
constexpr std::string_view kEndOfHead = "\r\n";

/// True when `address` names a port. Port 80, the default port of a URL, is nobody's admin listener.
bool names_port(const std::string& address) {
    const std::size_t colon = address.rfind(':');
    return colon != std::string::npos && colon + 1 < address.size() && address.find(']', colon) == std::string::npos;
}

/// The path in unix:/PATH or unix:///PATH; empty for any other address.
std::string unix_path_of(const std::string& address) {
    constexpr std::string_view kScheme = "unix:";
    if (!address.starts_with(kScheme)) {
        return {};
    }
    const std::string path = address.substr(kScheme.size());
    return path.starts_with("///") ? path.substr(2) : path;
}

/// Reads the address of an admin listener. Throws std::invalid_argument.
client::ServerUrl parse(const std::string& address) {
    // A URL is accepted too, because TULLE_ADMIN has a single value for this program and for the node. The listener on
    // a Unix socket has no name, so the requests call it localhost.
    const std::string path = unix_path_of(address);
    const bool is_url = address.starts_with("http://");
    auto url = client::parse_server_url(path.starts_with('/') ? "http://localhost"
                                        : is_url              ? address
                                                              : "http://" + address,
                                        "http");
    if (url.has_error() || !url->prefix.empty() || !(path.starts_with('/') || is_url || names_port(address))) {
        throw std::invalid_argument("'" + address +
                                    "' is not HOST:PORT or unix:/PATH, the address of an admin listener");
    }
    return std::move(*url);
}

}  // namespace

int say_missing(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
        std::cerr << "tulle: " << name << " has not answered\n";
    }
    return names.empty() ? kOk : kFailed;
}

std::string read_admin_token(const std::string& path) {
    if (path.empty()) {
        return {};
    }
    const mesh::FileText file = mesh::read_secret_file(path, node::kMaxAdminTokenFileBytes);
    if (!file.error.empty()) {
        throw std::invalid_argument("the file of the admin token, " + path + ", " + file.error);
    }
    std::string token = node::admin_token_to_send(file.text);
    if (token.empty()) {
        throw std::invalid_argument("the file of the admin token, " + path +
                                    ", holds neither a token alone nor lines of NAME SCOPE TOKEN");
    }
    return token;
}

Admin::Admin(const std::string& address, std::chrono::milliseconds timeout, std::string token)
    : address_(address),
      token_(std::move(token)),
      connection_(parse(address), timeout, kMaxAnswerBytes, unix_path_of(address)) {}

std::string Admin::with_token(std::string request) const {
    if (!token_.empty()) {
        request.insert(request.size() - kEndOfHead.size(), "Authorization: Bearer " + token_ + "\r\n");
    }
    return request;
}

client::Exchange Admin::get(std::string_view target) {
    return connection_.exchange(with_token(client::get_request(connection_.server(), target)));
}

client::Exchange Admin::post(std::string_view target) {
    return connection_.exchange(with_token(client::post_request(connection_.server(), target)));
}

std::string Admin::why_useless(const client::Exchange& exchange) const {
    if (exchange.outcome != client::ExchangeOutcome::kAnswered) {
        return "cannot reach a node at " + address_ + ": " + exchange.error;
    }
    if (exchange.status == 401 && token_.empty()) {
        return "the node at " + address_ +
               " wants a token: name a file that holds one by TULLE_ADMIN_TOKEN_FILE or --token-file";
    }
    if (exchange.status == 401 || (exchange.status == 429 && !token_.empty())) {
        return "the node at " + address_ + " does not know the token in the file that is given";
    }
    if (exchange.status == 403 && !token_.empty()) {
        return "the node at " + address_ + " refuses: " + error_in(exchange.body);
    }
    return address_ + " answered HTTP " + std::to_string(exchange.status) + ": is it the admin listener of a node?";
}

int say_why_useless(const Admin& admin, const std::string& server, const client::Exchange& exchange) {
    const bool is_refusal = exchange.outcome == client::ExchangeOutcome::kAnswered &&
                            (exchange.status == 400 || exchange.status == 404 || exchange.status == 503);
    std::cerr << "tulle: "
              << (is_refusal ? "the node at " + server + " refuses: " + error_in(exchange.body)
                             : admin.why_useless(exchange))
              << "\n";
    return kUnreachable;
}

}  // namespace tulle::cli
