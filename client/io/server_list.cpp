#include "client/io/server_list.hpp"

#include <algorithm>
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

std::shared_ptr<ServerTrust> trust_for(const std::vector<ServerUrl>& servers, const std::string& ca_file,
                                       std::string_view who) {
    const bool is_needed =
        std::any_of(servers.begin(), servers.end(), [](const ServerUrl& server) { return server.is_tls; });
    // A file that is never used is still an error when the file cannot be read: the user counts on the file.
    return is_needed || !ca_file.empty() ? std::make_shared<ServerTrust>(ca_file, who) : nullptr;
}

}  // namespace tulle::client
