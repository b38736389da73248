#pragma once

#include <cstddef>

#include <tulle/client.hpp>

#include "client/core/connection.hpp"

namespace tulle::client {

/// Returns usable options unchanged. Throws std::invalid_argument for an empty key, for times or sizes of zero or less,
/// and for `retry_delay_max` below `retry_delay_min`. The list of servers is checked by parse_servers().
[[nodiscard]] ClientOptions checked(ClientOptions options);

/// The settings of the core for checked options. `servers` is the number of servers.
[[nodiscard]] ConnectionConfig connection_config(const ClientOptions& options, std::size_t servers);

}  // namespace tulle::client
