#pragma once

#include <string>
#include <string_view>

namespace tulle::node {

/// The host of an origin with a scheme such as https, in the single form in which browsers send the host. Either `text`
/// is set, or `error` says why no browser sends the host.
struct OriginHost {
    std::string text;
    std::string error;
};

/// Writes `host` in the form of the WHATWG's URL standard:
/// - An IPv6 address in brackets is written by RFC 5952, but without dots.
/// - A name that ends in a number is an IPv4 address, and is written with four decimal numbers ("127.1" is 127.0.0.1).
/// - Any other host is a name of DNS: labels of 1 to 63 of the characters a-z 0-9 - _, with or without a dot at the
///   end, of 253 characters at most.
///
/// REQUIRES: `host` is in lower case.
[[nodiscard]] OriginHost origin_host_of(std::string_view host);

/// Writes an IPv6 address, given without brackets, in the form of origin_host_of, without brackets. Empty when
/// `address` is no IPv6 address.
[[nodiscard]] std::string ipv6_of_origin(std::string_view address);

/// A sentence about the first error in the labels of a name; empty when all labels are correct. A "*" counts as a
/// letter, because patterns hold stars.
[[nodiscard]] std::string wrong_labels(std::string_view name);

}  // namespace tulle::node
