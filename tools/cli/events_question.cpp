#include "tools/cli/events_question.hpp"

#include <iostream>

namespace tulle::cli {

namespace {

/// Asks, and says on stderr what is wrong with an answer that is no page of events.
std::optional<EventsPage> ask_page(Admin& admin, const std::string& server, const std::string& target) {
    const client::Exchange exchange = admin.get(target);
    if (exchange.outcome != client::ExchangeOutcome::kAnswered || exchange.status != 200) {
        say_why_useless(admin, server, exchange);
        return std::nullopt;
    }
    std::optional<EventsPage> page = parse_events(exchange.body);
    if (!page) {
        std::cerr << "tulle: " << server << " answered something that is no list of events\n";
    }
    return page;
}

std::string kind_parameter(const std::string& kind) {
    return kind.empty() ? "" : "&kind=" + kind;
}

}  // namespace

std::optional<EventsPage> ask_events(Admin& admin, const std::string& server, const std::string& kind,
                                     std::uint64_t since, std::chrono::milliseconds hold) {
    return ask_page(admin, server,
                    "/v1/events?since=" + std::to_string(since) + "&limit=" + std::to_string(kEventsPage) +
                        "&wait_ms=" + std::to_string(hold.count()) + kind_parameter(kind));
}

std::optional<EventsPage> ask_mesh_events(Admin& admin, const std::string& server, const std::string& kind,
                                          std::size_t limit) {
    return ask_page(admin, server, "/v1/events?all=yes&limit=" + std::to_string(limit) + kind_parameter(kind));
}

}  // namespace tulle::cli
