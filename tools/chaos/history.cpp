#include "tools/chaos/history.hpp"

#include <algorithm>
#include <array>
#include <istream>
#include <utility>

#include <boost/json.hpp>

namespace tulle::chaos {
namespace {

namespace json = boost::json;

/// Names of the kinds in a file, in the order of EventKind. Old histories hold these names, so no name may change.
constexpr std::array<std::string_view, kEventKinds> kEventNames{
    "run",     "start",   "end",        "stop",         "continue",  "fault",  "calm", "publish", "accepted",
    "refused", "unknown", "subscribed", "unsubscribed", "delivered", "gap",    "view", "cut",     "healed",
    "slowed",  "eased",   "memory",     "reaped",       "entered",   "parted", "told", "hook",    "read"};

/// Adds a field unless empty.
void put(json::object& object, std::string_view key, const std::string& value) {
    if (!value.empty()) {
        object[json::string_view(key.data(), key.size())] = value;
    }
}

/// Adds a field unless zero.
void put(json::object& object, std::string_view key, std::uint64_t value) {
    if (value != 0) {
        object[json::string_view(key.data(), key.size())] = value;
    }
}

/// Reads a number. A missing field keeps `out`; a value of another type or out of range returns false.
template <class T>
bool take(const json::object& object, std::string_view key, T& out) {
    const json::value* value = object.if_contains({key.data(), key.size()});
    if (value == nullptr) {
        return true;
    }
    json::error_code error;
    out = value->to_number<T>(error);
    return !error;
}

/// Reads a text. A missing field keeps `out`; a value of another type returns false.
bool take(const json::object& object, std::string_view key, std::string& out) {
    const json::value* value = object.if_contains({key.data(), key.size()});
    if (value == nullptr) {
        return true;
    }
    if (!value->is_string()) {
        return false;
    }
    out.assign(value->get_string().data(), value->get_string().size());
    return true;
}

/// Reads the members of a view. A missing list is an empty list.
bool take_members(const json::object& object, std::vector<Member>& out) {
    const json::value* list = object.if_contains("members");
    if (list == nullptr) {
        return true;
    }
    if (!list->is_array()) {
        return false;
    }
    for (const json::value& item : list->get_array()) {
        Member member;
        if (!item.is_object() || !take(item.get_object(), "node", member.node) ||
            !take(item.get_object(), "oid", member.oid) || !take(item.get_object(), "state", member.state) ||
            !take(item.get_object(), "session", member.session) ||
            !take(item.get_object(), "interest", member.interest)) {
            return false;
        }
        out.push_back(std::move(member));
    }
    return true;
}

}  // namespace

// The prefix decides the treatment by the nodes: "cache-" keeps the last event, "hook-chaos-" is in the webhook filter
// of the configuration (Cluster::write_config).
std::string channel_name(std::uint32_t channel) {
    if (channel >= kFirstHookChannel) {
        return "hook-chaos-" + std::to_string(channel);
    }
    return (channel > kCanaryChannel ? "cache-chaos-" : "chaos-") + std::to_string(channel);
}

std::string joined_names(const std::set<std::string>& parts) {
    std::string out;
    for (const std::string& part : parts) {
        out.append(out.empty() ? "" : ",").append(part);
    }
    return out;
}

std::string to_line(const Event& event) {
    const std::string_view name = kEventNames[static_cast<std::size_t>(event.kind)];
    json::object object{
        {"t", std::chrono::duration_cast<std::chrono::microseconds>(event.at.time_since_epoch()).count()},
        {"e", json::string_view(name.data(), name.size())}};
    put(object, "node", event.node);
    put(object, "other", event.other);
    put(object, "publisher", event.publisher);
    put(object, "subscription", event.subscription);
    put(object, "channel", event.channel);
    put(object, "number", event.number);
    put(object, "text", event.text);
    put(object, "interest", event.interest);
    if (!event.members.empty()) {
        json::array list;
        for (const Member& member : event.members) {
            json::object item{{"node", member.node}, {"oid", member.oid}, {"state", member.state}};
            put(item, "session", member.session);
            put(item, "interest", member.interest);
            list.push_back(std::move(item));
        }
        object["members"] = std::move(list);
    }
    return json::serialize(object);
}

Result<Event, HistoryErrc> parse_line(std::string_view line) {
    json::error_code error;
    const json::value value = json::parse({line.data(), line.size()}, error);
    if (error || !value.is_object()) {
        return HistoryErrc::kNotAnEvent;
    }
    const json::object& object = value.get_object();
    std::int64_t microseconds = 0;
    std::string name;
    Event event;
    // The time and the kind must be there; all other fields are optional.
    const bool good = object.contains("t") && take(object, "t", microseconds) && take(object, "e", name) &&
                      take(object, "node", event.node) && take(object, "other", event.other) &&
                      take(object, "publisher", event.publisher) && take(object, "subscription", event.subscription) &&
                      take(object, "channel", event.channel) && take(object, "number", event.number) &&
                      take(object, "text", event.text) && take(object, "interest", event.interest) &&
                      take_members(object, event.members);
    const auto kind = std::find(kEventNames.begin(), kEventNames.end(), name);
    if (!good || kind == kEventNames.end()) {
        return HistoryErrc::kNotAnEvent;
    }
    event.at = Instant(std::chrono::microseconds(microseconds));
    event.kind = static_cast<EventKind>(kind - kEventNames.begin());
    return event;
}

Result<History, HistoryErrc> read_history(std::istream& in) {
    History history;
    std::string line;
    while (std::getline(in, line)) {
        Result<Event, HistoryErrc> event = parse_line(line);
        if (event.has_error()) {
            // A killed run leaves a last line cut short, without a line feed.
            if (in.eof()) {
                break;
            }
            return event.error();
        }
        history.push_back(std::move(*event));
    }
    if (history.empty() || history.front().kind != EventKind::kRun) {
        return HistoryErrc::kNotAnEvent;
    }
    // Other programs may write a history in another order. Events of equal time keep their order.
    std::stable_sort(history.begin(), history.end(), [](const Event& a, const Event& b) { return a.at < b.at; });
    return history;
}

}  // namespace tulle::chaos
