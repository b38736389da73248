#include "client/io/server_list.hpp"

#include <stdexcept>
#include <utility>

namespace tulle::client {

std::vector<ServerUrl> parse_servers(const std::vector<std::string>& urls, std::string_view scheme,
                                     std::string_view who) {
    if (urls.empty()) {
        throw std::invalid_argument(std::string(who) + ": no server");
    }
    std::vector<ServerUrl> servers;
    for (const std::string& url : urls) {
        Result<ServerUrl, UrlErrc> server = parse_server_url(url, scheme);
        // The message quotes the URL, because a list has several.
        if (server.has_error()) {
            std::string text(who);
            text.append(": ").append(url).append(": ").append(describe(server.error()));
            throw std::invalid_argument(text);
        }
        servers.push_back(std::move(*server));
    }
    return servers;
}

}  // namespace tulle::client
