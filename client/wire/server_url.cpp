#include "client/wire/server_url.hpp"

#include <algorithm>
#include <charconv>
#include <string>

#include <boost/url/encode.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>

namespace tulle::client {
namespace {

namespace urls = boost::urls;

/// True for 1 to 65535. Boost.URL 1.81 wraps a larger port round, so the text is checked here.
bool is_port(std::string_view text) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() && value >= 1 && value <= 65'535;
}

/// The port that a URL without a port means.
std::string_view default_port(bool is_tls) {
    return is_tls ? "443" : "80";
}

/// The text with A-Z in lower case. Schemes are compared without regard to case.
std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return out;
}

std::string_view view(urls::string_view text) {
    return {text.data(), text.size()};
}

}  // namespace

std::string_view describe(UrlErrc error) {
    switch (error) {
        case UrlErrc::kMalformed:
            return "not a URL";
        case UrlErrc::kScheme:
            return "wrong scheme (a WebSocket URL begins with ws:// or wss://, an HTTP one with http:// or https://)";
        case UrlErrc::kHost:
            return "no host";
        case UrlErrc::kPort:
            return "the port is not 1 to 65535";
        case UrlErrc::kExtras:
            return "user information, query or fragment are not wanted here";
    }
    return "unknown error";
}

std::string ServerUrl::authority() const {
    const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
    return port == default_port(is_tls) ? name : name + ":" + port;
}

Result<ServerUrl, UrlErrc> parse_server_url(std::string_view text, std::string_view scheme) {
    const auto parsed = urls::parse_uri(urls::string_view(text.data(), text.size()));
    if (!parsed) {
        return UrlErrc::kMalformed;
    }
    const urls::url_view url = *parsed;
    const std::string given = lower(view(url.scheme()));
    const bool is_tls = given == std::string(scheme) + "s";
    if (given != scheme && !is_tls) {
        return UrlErrc::kScheme;
    }
    if (url.has_userinfo() || url.has_query() || url.has_fragment()) {
        return UrlErrc::kExtras;
    }
    ServerUrl server{std::string(view(url.encoded_host_address())), std::string(default_port(is_tls)),
                     std::string(view(url.encoded_path())), is_tls};
    // A host with escapes could never match a name or an address.
    if (!url.has_authority() || server.host.empty() || server.host.find('%') != std::string::npos) {
        return UrlErrc::kHost;
    }
    if (url.has_port() && !url.port().empty()) {
        server.port = std::string(view(url.port()));
        if (!is_port(server.port)) {
            return UrlErrc::kPort;
        }
    }
    if (!server.prefix.empty() && server.prefix.front() != '/') {
        // Boost.URL 1.81 takes the text behind a closing bracket for a path: "ws://[::1];80/a".
        return UrlErrc::kMalformed;
    }
    while (server.prefix.ends_with('/')) {
        server.prefix.pop_back();
    }
    return server;
}

std::string websocket_target(const ServerUrl& server, std::string_view app_key, std::string_view version) {
    return server.prefix + "/app/" + percent_encoded(app_key) +
           "?protocol=7&client=tulle-cpp&version=" + percent_encoded(version);
}

std::string percent_encoded(std::string_view text) {
    return urls::encode({text.data(), text.size()}, urls::unreserved_chars);
}

}  // namespace tulle::client
