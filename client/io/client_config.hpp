#pragma once

#include <cstddef>

#include <tulle/client.hpp>

#include "client/core/connection.hpp"

namespace tulle::client {

/// The options, if a client can live with them; throws std::invalid_argument otherwise. Servers are not looked at.
[[nodiscard]] ClientOptions checked(ClientOptions options);

[[nodiscard]] ConnectionConfig connection_config(const ClientOptions& options, std::size_t servers);

}  // namespace tulle::client
