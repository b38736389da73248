#pragma once

#include <string>
#include <string_view>

namespace tulle::node {

/// A host of an origin with a scheme such as https, in the one form in which browsers send it. Either `text` is set, or
/// `error` says why no browser sends this host.
struct OriginHost {
    std::string text;
    std::string error;
};

/// By the WHATWG's URL standard: an IPv6 address in brackets is written by RFC 5952, but without dots; a name that ends
/// in a number is an IPv4 address and is written with four decimal numbers ("127.1" is 127.0.0.1); any other is a name
/// as DNS has it, in labels of 1 to 63 of the characters a-z 0-9 - _, with or without a dot at the end, of 253
/// characters at most.
/// REQUIRES: `host` is in lower case.
[[nodiscard]] OriginHost origin_host_of(std::string_view host);

/// The address between the brackets of an IPv6 host, as origin_host_of writes it, without brackets; empty: it is none.
[[nodiscard]] std::string ipv6_of_origin(std::string_view address);

/// What is wrong with the labels of a name, in which a "*" counts as a letter; empty: nothing.
[[nodiscard]] std::string wrong_labels(std::string_view name);

}  // namespace tulle::node
