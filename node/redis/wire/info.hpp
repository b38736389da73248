#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "mesh/base/time.hpp"

namespace tulle::node::redis {

/// The version of Redis whose behaviour the edge has, as told to clients.
inline constexpr std::string_view kRedisVersion = "7.2.4";

/// What INFO and HELLO tell of the node.
struct ServerFacts {
    std::string node;
    std::uint32_t process_id = 0;
    /// The version of Tulle.
    std::string version;
    /// The port of the listener.
    std::uint16_t port = 0;
    /// The node does not serve: it joins, or it leaves. Clients then wait.
    bool is_loading = false;
    Duration uptime{};
    /// Connections of the node now.
    std::size_t clients = 0;
    /// Different names with subscribers in the realm, at any node.
    std::size_t channels = 0;
    std::size_t patterns = 0;
    std::size_t shard_channels = 0;
};

/// The text of INFO: the sections that are named, in any case, or all of them without a name. Lines "key:value" under
/// "# Section", as Redis writes them.
[[nodiscard]] std::string info_text(const ServerFacts& facts, std::span<const std::string_view> sections);

}  // namespace tulle::node::redis
