#include "node/admin/admin_parameters.hpp"

#include <charconv>

#include "node/admin/drain_order.hpp"
#include "node/admin/rebalance.hpp"
#include "node/pusher/wire/auth.hpp"

namespace tulle::node {
namespace {

/// The parameter `name` as a number from `low` to `most`, or `otherwise` without the parameter. Nothing for any other
/// value.
std::optional<std::uint64_t> number_of(const pusher::QueryParameters& given, std::string_view name, std::uint64_t low,
                                       std::uint64_t most, std::uint64_t otherwise) {
    const std::string* value = pusher::find_parameter(given, name);
    if (value == nullptr) {
        return otherwise;
    }
    std::uint64_t number = 0;
    const char* end = value->data() + value->size();
    const auto [stop, error] = std::from_chars(value->data(), end, number);
    const bool is_good = error == std::errc{} && stop == end && number >= low && number <= most;
    return is_good ? std::optional(number) : std::nullopt;
}

}  // namespace

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
    const auto timeout = number_of(*given, "timeout_ms", 1, kMaxAdminTimeoutMs, kDefaultAdminTimeoutMs);
    if (!timeout) {
        return std::nullopt;
    }
    return AdminParameters{text("app"), text("channel"), std::chrono::milliseconds(*timeout)};
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

std::optional<EventsQuery> parse_events_query(std::string_view query, std::string& why) {
    const std::optional<pusher::QueryParameters> given = pusher::parse_query(query);
    constexpr std::string_view kNames[] = {"since", "limit", "kind", "wait_ms"};
    if (!given || pusher::has_repeated(*given, kNames)) {
        why = "the query must have each of since, limit, kind and wait_ms once at most";
        return std::nullopt;
    }
    const auto since = number_of(*given, "since", 0, UINT64_MAX, 0);
    const auto limit = number_of(*given, "limit", 1, kMaxEventsLimit, kDefaultEventsLimit);
    const auto wait = number_of(*given, "wait_ms", 0, kMaxEventsWaitMs, 0);
    if (!since || !limit || !wait) {
        why = "since must be a number, limit a number from 1 to " + std::to_string(kMaxEventsLimit) +
              ", and wait_ms a number from 0 to " + std::to_string(kMaxEventsWaitMs);
        return std::nullopt;
    }
    EventsQuery parsed{*since, static_cast<std::size_t>(*limit), std::nullopt, std::chrono::milliseconds(*wait)};
    if (const std::string* kind = pusher::find_parameter(*given, "kind")) {
        parsed.kind = event_kind_of(*kind);
        if (!parsed.kind) {
            why = "kind must be one of";
            for (const std::string_view name : kEventKindNames) {
                why.append(" ").append(name);
            }
            return std::nullopt;
        }
    }
    return parsed;
}

std::optional<LogQuery> parse_log_query(std::string_view query, std::string& why) {
    const std::optional<pusher::QueryParameters> given = pusher::parse_query(query);
    constexpr std::string_view kNames[] = {"app", "address", "for_s"};
    if (!given || pusher::has_repeated(*given, kNames)) {
        why = "the query must have each of app, address and for_s once at most";
        return std::nullopt;
    }
    const auto seconds = number_of(*given, "for_s", 1, kMaxLogSeconds, kDefaultLogSeconds);
    if (!seconds) {
        why = "for_s must be a number of seconds from 1 to " + std::to_string(kMaxLogSeconds);
        return std::nullopt;
    }
    LogQuery parsed{{}, std::nullopt, std::chrono::seconds(*seconds)};
    if (const std::string* app = pusher::find_parameter(*given, "app")) {
        parsed.app = *app;
    }
    if (const std::string* text = pusher::find_parameter(*given, "address")) {
        const std::optional<IpAddress> address = parse_ip(*text);
        if (!address) {
            why = "address must be an IP address";
            return std::nullopt;
        }
        parsed.address = peer_of(*address);
    }
    return parsed;
}

}  // namespace tulle::node
