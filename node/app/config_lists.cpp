#include "node/app/config_lists.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "node/app/http_url.hpp"
#include "node/core/limits.hpp"

namespace tulle::node {
namespace {

// Every configured peer is resolved and dialled for ever. A node learns the other peers from the mesh.
constexpr std::size_t kMaxPeers = 256;

}  // namespace

std::vector<std::string_view> parts_of(std::string_view list) {
    std::vector<std::string_view> parts;
    while (!list.empty()) {
        const std::size_t comma = list.find(',');
        std::string_view part = list.substr(0, comma);
        list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
        part.remove_prefix(std::min(part.find_first_not_of(' '), part.size()));
        part = part.substr(0, part.find_last_not_of(' ') + 1);
        if (!part.empty()) {
            parts.push_back(part);
        }
    }
    return parts;
}

std::vector<std::string> to_peers(const Setting& setting) {
    std::vector<std::string> peers;
    for (const std::string_view part : parts_of(setting.value)) {
        // Every name is looked up again and again; "dns:" says so to readers of the configuration. With a single colon
        // the word is the name of a host.
        constexpr std::string_view kDns = "dns:";
        const bool is_marked = part.starts_with(kDns) && part.find(':', kDns.size()) != std::string_view::npos;
        const std::optional<Address> address = parse_address(part.substr(is_marked ? kDns.size() : 0));
        if (!address || address->port == 0) {
            throw ConfigError(setting.origin + ": '" + std::string(part) + "' is not a peer of the form HOST:PORT");
        }
        peers.push_back(to_string(*address));
    }
    if (peers.size() > kMaxPeers) {
        throw ConfigError(setting.origin + ": at most 256 peers");
    }
    return peers;
}

std::vector<AddressRange> to_trusted_proxies(const Setting& setting) {
    std::vector<AddressRange> ranges;
    for (const std::string_view part : parts_of(setting.value)) {
        const std::optional<AddressRange> range = parse_range(part);
        if (!range) {
            throw ConfigError(setting.origin + ": '" + std::string(part) +
                              "' is neither an IP address nor a network of the form 10.0.0.0/8 or fd00::/8");
        }
        if (range->bits == 0) {
            throw ConfigError(setting.origin + ": '" + std::string(part) +
                              "' trusts everybody, so that each client could claim any address: name the networks"
                              " of the proxies");
        }
        ranges.push_back(*range);
    }
    if (ranges.size() > kMaxTrustedProxies) {
        throw ConfigError(setting.origin + ": at most " + std::to_string(kMaxTrustedProxies) +
                          " addresses and networks of proxies");
    }
    return ranges;
}

void finish_proxies(Config& config, const Settings& given) {
    if (!config.trusted_proxies.empty()) {
        if (!given.contains("max_connections_per_address")) {
            config.max_connections_per_address = kConnectionsPerForwardedAddress;
        }
        return;
    }
    const std::pair<std::string_view, bool> needing[] = {{"proxy_protocol", config.proxy_protocol},
                                                         {"tls_proxy_protocol", config.tls_proxy_protocol},
                                                         {"forwarded_header", true}};
    for (const auto& [key, needs] : needing) {
        const auto setting = given.find(key);
        if (setting != given.end() && needs) {
            throw ConfigError(setting->second.origin + ": " + std::string(key) +
                              " needs trusted_proxies: name the addresses of the proxies there");
        }
    }
}

std::vector<std::string> to_mesh_keys(const Setting& setting) {
    std::vector<std::string> sources;
    for (const std::string_view part : parts_of(setting.value)) {
        if (part.starts_with("tulle-mesh-") && !setting.origin.starts_with("environment")) {
            throw ConfigError(setting.origin + ": name a file that holds the key, not the key itself");
        }
        sources.emplace_back(part);
    }
    if (sources.size() > mesh::KeyRing::kMaxKeys) {
        throw ConfigError(setting.origin + ": at most " + std::to_string(mesh::KeyRing::kMaxKeys) +
                          " keys: the key in use, and the next or the former one");
    }
    return sources;
}

std::string to_otlp_endpoint(const Setting& setting) {
    constexpr std::size_t kMostBytes = 1024;
    const std::string& url = setting.value;
    if (!why_no_http_url(url, kMostBytes).empty() || url.find_first_of("@?") != std::string::npos) {
        throw ConfigError(setting.origin +
                          ": must be a URL such as http://127.0.0.1:4318, without user, query and fragment");
    }
    const std::size_t host_end = std::min(url.find('/', url.find("//") + 2), url.size());
    return host_end + 1 >= url.size() ? url.substr(0, host_end) + "/v1/traces" : url;
}

}  // namespace tulle::node
