#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tulle::node {

/// Why the text is no URL of an HTTP server that this node is to call, for a message behind the name of the setting:
/// scheme, at most `most_bytes` visible characters, host, and port. A user in a URL is refused, because credentials
/// belong into headers. Empty when the URL is right.
[[nodiscard]] std::string why_no_http_url(std::string_view url, std::size_t most_bytes);

/// True for an ASCII character that is no blank and no control character.
[[nodiscard]] constexpr bool is_visible(char c) {
    return c > ' ' && c < '\x7f';
}

}  // namespace tulle::node
