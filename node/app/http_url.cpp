#include "node/app/http_url.hpp"

#include <algorithm>
#include <optional>

#include "node/core/address.hpp"

namespace tulle::node {
namespace {

/// True for "host", "host:port", "[v6]" and "[v6]:port".
bool is_authority(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || text.ends_with(']')) {
        return !text.empty() && text != "[]";
    }
    const std::optional<Address> address = parse_address(text);
    return address && !address->host.empty() && address->port != 0;
}

}  // namespace

std::string why_no_http_url(std::string_view url, std::size_t most_bytes) {
    const std::size_t scheme = url.starts_with("https://") ? 8 : url.starts_with("http://") ? 7 : 0;
    if (scheme == 0 || url.size() > most_bytes || !std::all_of(url.begin(), url.end(), is_visible)) {
        return "must be a URL that begins with https:// or http://, of at most " + std::to_string(most_bytes) +
               " visible characters";
    }
    const std::string_view authority = url.substr(scheme, url.find_first_of("/?#", scheme) - scheme);
    if (authority.find('@') != std::string_view::npos || url.find('#') != std::string_view::npos) {
        return "must have neither a user nor a fragment; credentials belong into headers";
    }
    return is_authority(authority) ? "" : "must have a host, and a port from 1 to 65535 if any";
}

}  // namespace tulle::node
