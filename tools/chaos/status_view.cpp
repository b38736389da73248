#include "tools/chaos/status_view.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <tuple>

#include <boost/json.hpp>

namespace tulle::chaos {
namespace {

namespace json = boost::json;

/// 3 for "n3"; 0 for a name of another form.
std::uint32_t number_of(std::string_view name) {
    std::uint32_t number = 0;
    if (name.size() > 1 && name.front() == 'n') {
        std::from_chars(name.data() + 1, name.data() + name.size(), number);
    }
    return number;
}

/// A text as it stands, any other value as JSON. Empty when the value is absent or null.
std::string text(const json::object& object, json::string_view key) {
    const json::value* value = object.if_contains(key);
    if (value == nullptr || value->is_null()) {
        return {};
    }
    return value->is_string() ? std::string(value->get_string().data(), value->get_string().size())
                              : json::serialize(*value);
}

/// The object under a key; an empty object when absent.
const json::object& object_in(const json::object& object, json::string_view key) {
    static const json::object kNone;
    const json::value* value = object.if_contains(key);
    return value != nullptr && value->is_object() ? value->get_object() : kNone;
}

/// "VERSION:DIGEST". Empty when the node does not tell, or does not know.
std::string interest_of(const json::object& owner) {
    const json::object& interest = object_in(owner, "interest");
    const json::value* known = interest.if_contains("known");
    if (interest.empty() || (known != nullptr && known->is_bool() && !known->get_bool())) {
        return {};
    }
    return text(interest, "version") + ":" + text(interest, "digest");
}

}  // namespace

std::optional<Event> view_from(std::uint32_t node, std::string_view status) {
    json::error_code error;
    const json::value value = json::parse({status.data(), status.size()}, error);
    const json::value* self = !error && value.is_object() ? value.get_object().if_contains("self") : nullptr;
    const json::value* members = self != nullptr ? value.get_object().if_contains("members") : nullptr;
    // An answer of another form may come from another program on the port.
    if (members == nullptr || !self->is_object() || !members->is_array()) {
        return std::nullopt;
    }
    Event view;
    view.kind = EventKind::kView;
    view.node = node;
    view.text = text(self->get_object(), "oid");
    view.interest = interest_of(self->get_object());
    for (const json::value& item : members->get_array()) {
        if (!item.is_object()) {
            return std::nullopt;
        }
        const json::object& member = item.get_object();
        const json::object& session = object_in(member, "session");
        view.members.push_back({number_of(text(member, "name")), text(member, "oid"), text(member, "state"),
                                text(session, "tag"), interest_of(session)});
    }
    // A node may list peers in any order; views are compared to find changes.
    std::sort(view.members.begin(), view.members.end(),
              [](const Member& a, const Member& b) { return std::tie(a.node, a.oid) < std::tie(b.node, b.oid); });
    return view;
}

}  // namespace tulle::chaos
