#pragma once

#include <string>
#include <string_view>

namespace tulle::node {

/// A pattern of allowed_origins in the form that matches_origin() compares by: lower case, without the scheme's default
/// port. Either `pattern` is set, or `error` says what to write instead.
struct OriginPattern {
    std::string pattern;
    std::string error;
};

/// Patterns are "*" (any origin), "null", and SCHEME://HOST or SCHEME://HOST:PORT. In HOST a "*" before a dot stands
/// for one or more characters, and "*" alone for any host; the PORT "*" stands for any port or none. A "/" at the end
/// is left out. Whatever no browser sends as an origin is an error: a path, a name without a scheme, a host with other
/// letters than ASCII, an address in another form than browsers send it ("127.1"), a name that DNS cannot have
/// ("a..b").
[[nodiscard]] OriginPattern parse_origin_pattern(std::string_view text);

/// REQUIRES: `pattern` comes from parse_origin_pattern. `origin`: what a client sent, whatever it is.
[[nodiscard]] bool matches_origin(std::string_view pattern, std::string_view origin);

}  // namespace tulle::node
