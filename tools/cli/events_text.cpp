#include "tools/cli/events_text.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>

#include <boost/json.hpp>

#include "tools/cli/json_fields.hpp"

namespace tulle::cli {
namespace {

namespace json = boost::json;

/// "2026-01-31T12:00:00.123Z" for milliseconds since the Unix epoch.
std::string time_text(std::uint64_t at_ms) {
    const auto seconds = static_cast<std::time_t>(at_ms / 1000);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[64];
    const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    char millis[8];
    std::snprintf(millis, sizeof millis, ".%03uZ", static_cast<unsigned>(at_ms % 1000));
    return std::string(text, size) + millis;
}

}  // namespace

std::optional<EventsPage> parse_events(std::string_view text) {
    json::error_code error;
    const json::value value = json::parse({text.data(), text.size()}, error);
    const json::object* answer = error ? nullptr : value.if_object();
    const json::array* events = answer == nullptr ? nullptr : array_field(*answer, "events");
    if (events == nullptr) {
        return std::nullopt;
    }
    EventsPage page{.events = {},
                    .next = count_field(*answer, "next"),
                    .lost = count_field(*answer, "lost"),
                    .missing = texts_field(*answer, "missing")};
    for (const json::value& each : *events) {
        if (const json::object* event = each.if_object()) {
            page.events.push_back({count_field(*event, "seq"), count_field(*event, "at_ms"), text_field(*event, "kind"),
                                   text_field(*event, "text"), text_field(*event, "node"), json::serialize(*event)});
        }
    }
    return page;
}

std::string event_line(const EventRow& event) {
    // The longest kind has eleven letters.
    constexpr std::size_t kKindWidth = 12;
    std::string kind = event.kind;
    kind.resize(std::max(kind.size() + 1, kKindWidth), ' ');
    const std::string node = event.node.empty() ? "" : event.node + " ";
    return time_text(event.at_ms) + " " + node + kind + event.text + "\n";
}

}  // namespace tulle::cli
