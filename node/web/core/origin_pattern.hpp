#pragma once

#include <string>
#include <string_view>

namespace tulle::node {

/// A pattern of allowed_origins in the form for matches_origin(): lower case, without the scheme's default port. Either
/// `pattern` is set, or `error` tells the user how to write the pattern instead.
struct OriginPattern {
    std::string pattern;
    std::string error;
};

/// Reads a pattern of the configuration. Patterns are "*" (any origin), "null", and SCHEME://HOST or
/// SCHEME://HOST:PORT.
/// - In HOST a "*" before a dot stands for one or more characters, and "*" alone for any host.
/// - The PORT "*" stands for any port or none.
/// - A "/" at the end is dropped.
///
/// Errors: everything that no browser sends as an origin: a path, a name without a scheme, a host with other letters
/// than ASCII, an address in another form than browsers send ("127.1"), a name that DNS cannot have ("a..b").
[[nodiscard]] OriginPattern parse_origin_pattern(std::string_view text);

/// True when the origin of a client matches. `origin` is the text that the client sent, with any content; an origin of
/// more than 512 bytes matches only "*".
/// REQUIRES: `pattern` comes from parse_origin_pattern.
[[nodiscard]] bool matches_origin(std::string_view pattern, std::string_view origin);

}  // namespace tulle::node
