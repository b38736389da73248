#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "node/admin/admin_tokens.hpp"
#include "node/app/config.hpp"

/// The part of the configuration about access to the admin listener.
namespace tulle::node {

/// `text` without "http://" and a "/" at the end. TULLE_ADMIN holds a URL for the program tulle, and may be set for
/// tulled too; the address in the URL is meant.
[[nodiscard]] std::string_view without_http(std::string_view text);

/// The path in unix:/PATH or unix:///PATH; empty for any other setting. Throws ConfigError for a path that is not
/// absolute, or too long for a socket.
[[nodiscard]] std::string admin_socket_of(const Setting& setting);

/// Checks that the admin listener is protected: off loopback by tokens, and a Unix socket by its mode alone. Throws
/// ConfigError.
void check_admin_access(const Config& config);

/// Reads the file of tokens; no tokens without a file. Throws ConfigError with the file, the line and the reason, and
/// never with a word of the file.
[[nodiscard]] std::vector<AdminToken> load_admin_tokens(const Config& config);

}  // namespace tulle::node
