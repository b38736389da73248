#include "node/admin/admin_parameters.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "mesh/base/numbers.hpp"
#include "mesh/core/node/numbers.hpp"
#include "node/wire/client_question.hpp"

namespace tulle::node {
namespace {

/// The parameter `name` as a number from `least` to `most`, or `otherwise` without the parameter. Nothing for any other
/// value.
std::optional<std::uint64_t> number_of(const pusher::QueryParameters& given, std::string_view name, std::uint64_t least,
                                       std::uint64_t most, std::uint64_t otherwise) {
    const std::string* value = pusher::find_parameter(given, name);
    return value == nullptr ? std::optional(otherwise) : parse_number(*value, least, most);
}

}  // namespace

std::optional<AdminParameters> parse_admin_parameters(std::string_view query) {
    const std::optional<pusher::QueryParameters> given = pusher::parse_query(query);
    constexpr std::string_view kNames[] = {"app", "channel", "timeout_ms", "brief"};
    // A repeated parameter has no single meaning.
    if (!given || pusher::has_repeated(*given, kNames)) {
        return std::nullopt;
    }
    const auto text = [&given](std::string_view name) {
        const std::string* value = pusher::find_parameter(*given, name);
        return value == nullptr ? std::string() : *value;
    };
    const auto timeout = number_of(*given, "timeout_ms", 1, kMaxAdminTimeoutMs, kDefaultAdminTimeoutMs);
    const std::string brief = text("brief");
    if (!timeout || (!brief.empty() && brief != "yes")) {
        return std::nullopt;
    }
    return AdminParameters{text("app"), text("channel"), std::chrono::milliseconds(*timeout), brief == "yes"};
}

Result<pusher::QueryParameters, std::string> parse_exactly(std::string_view query,
                                                           std::span<const std::string_view> names) {
    std::optional<pusher::QueryParameters> given = pusher::parse_query(query);
    if (!given) {
        return std::string("the query is malformed");
    }
    if (pusher::has_repeated(*given, names)) {
        return std::string("a parameter comes twice");
    }
    for (const auto& [name, text] : *given) {
        if (std::find(names.begin(), names.end(), name) == names.end()) {
            // The name may be anything, so the sentence does not repeat it.
            return std::string("there is a parameter that this path does not know");
        }
    }
    return std::move(*given);
}

Result<DrainOrder, std::string> parse_drain_order(std::string_view query, bool drains) {
    constexpr std::string_view kNames[] = {"node"};
    const auto given = parse_exactly(query, kNames);
    if (given.has_error()) {
        return {boost::system::in_place_error, given.error()};
    }
    const std::string* node = pusher::find_parameter(*given, "node");
    if (node != nullptr && (node->empty() || node->size() > mesh::kMaxNameBytes)) {
        return {boost::system::in_place_error, "node must be the name of a node"};
    }
    return DrainOrder{node == nullptr ? std::string() : *node, drains};
}

Result<std::uint64_t, std::string> parse_rebalance_rate(std::string_view query) {
    constexpr std::string_view kNames[] = {"max"};
    const auto given = parse_exactly(query, kNames);
    if (given.has_error()) {
        return given.error();
    }
    const auto rate = number_of(*given, "max", 1, kMaxRebalanceRate, kDefaultRebalanceRate);
    if (!rate) {
        return "max must be a number of clients a second, from 1 to " + std::to_string(kMaxRebalanceRate);
    }
    return *rate;
}

Result<EventsQuery, std::string> parse_events_query(std::string_view query) {
    constexpr std::string_view kNames[] = {"since", "limit", "kind", "wait_ms", "all", "timeout_ms"};
    const auto given = parse_exactly(query, kNames);
    if (given.has_error()) {
        return given.error();
    }
    const auto since = number_of(*given, "since", 0, UINT64_MAX, 0);
    const auto limit = number_of(*given, "limit", 1, kMaxEventsLimit, kDefaultEventsLimit);
    const auto wait = number_of(*given, "wait_ms", 0, kMaxEventsWaitMs, 0);
    if (!since || !limit || !wait) {
        return "since must be a number, limit a number from 1 to " + std::to_string(kMaxEventsLimit) +
               ", and wait_ms a number from 0 to " + std::to_string(kMaxEventsWaitMs);
    }
    EventsQuery parsed{*since, static_cast<std::size_t>(*limit), std::nullopt, std::chrono::milliseconds(*wait)};
    if (const std::string* kind = pusher::find_parameter(*given, "kind")) {
        parsed.kind = event_kind_of(*kind);
        if (!parsed.kind) {
            std::string why = "kind must be one of";
            for (const std::string_view name : kEventKindNames) {
                why.append(" ").append(name);
            }
            return why;
        }
    }
    const auto timeout = number_of(*given, "timeout_ms", 1, kMaxAdminTimeoutMs, kDefaultAdminTimeoutMs);
    const std::string* all = pusher::find_parameter(*given, "all");
    if (!timeout || (all == nullptr && pusher::find_parameter(*given, "timeout_ms") != nullptr)) {
        return "timeout_ms must be a number from 1 to " + std::to_string(kMaxAdminTimeoutMs) + ", with all=yes";
    }
    if (all != nullptr) {
        const bool has_place = pusher::find_parameter(*given, "since") || pusher::find_parameter(*given, "wait_ms");
        if (*all != "yes" || has_place || parsed.limit > kMaxMeshEvents) {
            return "all must be yes, with a limit of " + std::to_string(kMaxMeshEvents) +
                   " at most, and without since and wait_ms";
        }
        parsed.is_of_mesh = true;
        parsed.wait = std::chrono::milliseconds(*timeout);
    }
    return parsed;
}

Result<LogQuery, std::string> parse_log_query(std::string_view query) {
    constexpr std::string_view kNames[] = {"app", "address", "for_s"};
    const auto given = parse_exactly(query, kNames);
    if (given.has_error()) {
        return {boost::system::in_place_error, given.error()};
    }
    const auto seconds = number_of(*given, "for_s", 1, kMaxLogSeconds, kDefaultLogSeconds);
    if (!seconds) {
        return {boost::system::in_place_error,
                "for_s must be a number of seconds from 1 to " + std::to_string(kMaxLogSeconds)};
    }
    LogQuery parsed{{}, std::nullopt, std::chrono::seconds(*seconds)};
    if (const std::string* app = pusher::find_parameter(*given, "app")) {
        parsed.app = *app;
    }
    if (const std::string* text = pusher::find_parameter(*given, "address")) {
        parsed.address = parse_peer_address(*text);
        if (!parsed.address) {
            return {boost::system::in_place_error, "address must be an IP address, without a port"};
        }
    }
    return parsed;
}

}  // namespace tulle::node
