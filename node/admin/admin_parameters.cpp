#include "node/admin/admin_parameters.hpp"

#include <charconv>

#include "node/admin/drain_order.hpp"
#include "node/admin/rebalance.hpp"
#include "node/pusher/wire/auth.hpp"

namespace tulle::node {

std::optional<AdminParameters> parse_admin_parameters(std::string_view query) {
    const std::optional<pusher::QueryParameters> given = pusher::parse_query(query);
    constexpr std::string_view kNames[] = {"app", "channel", "timeout_ms"};
    // A repeated parameter has no single meaning.
    if (!given || pusher::has_repeated(*given, kNames)) {
        return std::nullopt;
    }
    const auto text = [&given](std::string_view name) {
        const std::string* value = pusher::find_parameter(*given, name);
        return value == nullptr ? std::string() : *value;
    };
    std::uint64_t timeout = kDefaultAdminTimeoutMs;
    if (const std::string* value = pusher::find_parameter(*given, "timeout_ms")) {
        const char* end = value->data() + value->size();
        const auto [stop, error] = std::from_chars(value->data(), end, timeout);
        // The whole value must be a number: "5s" is no timeout.
        if (error != std::errc{} || stop != end || timeout < 1 || timeout > kMaxAdminTimeoutMs) {
            return std::nullopt;
        }
    }
    return AdminParameters{text("app"), text("channel"), std::chrono::milliseconds(timeout)};
}

std::optional<std::string> parse_node_parameter(std::string_view query) {
    const std::optional<pusher::QueryParameters> given = pusher::parse_query(query);
    constexpr std::string_view kNames[] = {"node"};
    if (!given || pusher::has_repeated(*given, kNames)) {
        return std::nullopt;
    }
    const std::string* value = pusher::find_parameter(*given, "node");
    if (value == nullptr) {
        return std::string();
    }
    return value->empty() || value->size() > kMaxOrderedNameBytes ? std::nullopt : std::optional(*value);
}

std::optional<std::uint64_t> parse_rebalance_rate(std::string_view query) {
    const std::optional<pusher::QueryParameters> given = pusher::parse_query(query);
    constexpr std::string_view kNames[] = {"max"};
    if (!given || pusher::has_repeated(*given, kNames)) {
        return std::nullopt;
    }
    const std::string* value = pusher::find_parameter(*given, "max");
    return value == nullptr ? std::optional(kDefaultRebalanceRate) : parse_rebalance_number(*value);
}

}  // namespace tulle::node
