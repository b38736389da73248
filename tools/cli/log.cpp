#include <algorithm>
#include <chrono>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>

#include <boost/json.hpp>

#include "client/wire/publish.hpp"
#include "tools/cli/admin.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/events_question.hpp"
#include "tools/cli/exit_code.hpp"
#include "tools/cli/json_fields.hpp"

namespace tulle::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// The number of the last event before the node began to tell; nothing for another answer.
std::optional<std::uint64_t> beginning_of(const std::string& body) {
    boost::json::error_code error;
    const boost::json::value value = boost::json::parse(body, error);
    const boost::json::object* answer = error ? nullptr : value.if_object();
    return answer == nullptr ? std::nullopt : std::optional(count_field(*answer, "since"));
}

}  // namespace

int run_log(const LogOptions& options) {
    if (!options.app_id.empty() && !client::is_valid_app_id(options.app_id)) {
        throw std::invalid_argument("\"" + options.app_id + "\" is not the id of an app");
    }
    if (options.address.find_first_not_of("0123456789abcdefABCDEF.:") != std::string::npos) {
        throw std::invalid_argument("\"" + options.address + "\" is not an IP address");
    }
    Admin admin(options.admin.server, options.admin.timeout + kEventsHold, read_admin_token(options.admin.token_file));
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(options.time);
    const client::Exchange exchange = admin.post("/v1/log?for_s=" + std::to_string(seconds.count()) +
                                                 (options.app_id.empty() ? "" : "&app=" + options.app_id) +
                                                 (options.address.empty() ? "" : "&address=" + options.address));
    const bool is_answer = exchange.outcome == client::ExchangeOutcome::kAnswered;
    std::optional<std::uint64_t> next =
        is_answer && exchange.status == 202 ? beginning_of(exchange.body) : std::nullopt;
    if (!next) {
        return say_why_useless(admin, options.admin.server, exchange);
    }
    const Clock::time_point end = Clock::now() + options.time;
    while (Clock::now() < end && std::cout) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
        const std::optional<EventsPage> page =
            ask_events(admin, options.admin.server, "client", *next, std::min(left, kEventsHold));
        if (!page) {
            return kUnreachable;
        }
        if (page->lost > 0) {
            std::cerr << "tulle: " << page->lost << " events came too fast; some refusals may be missing\n";
        }
        for (const EventRow& event : page->events) {
            std::cout << (options.admin.json ? event.json + "\n" : event_line(event));
        }
        std::cout.flush();
        next = page->next;
    }
    return kOk;
}

}  // namespace tulle::cli
