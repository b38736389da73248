#include "tools/cli/pub_line.hpp"

#include <boost/json.hpp>

namespace tulle::cli {
namespace {

/// A text member as it is, for the node to check; empty without one.
std::string raw_text(const boost::json::object& object, const char* key) {
    const boost::json::value* value = object.if_contains(key);
    const boost::json::string* text = value == nullptr ? nullptr : value->if_string();
    return text == nullptr ? "" : std::string(text->data(), text->size());
}

}  // namespace

Result<PubLine, PubLineError> parse_pub_line(std::string_view line) {
    boost::json::error_code error;
    const boost::json::value value = boost::json::parse({line.data(), line.size()}, error);
    if (error || !value.is_object()) {
        return PubLineError{"is no JSON object" + (error ? ": " + error.message() : "")};
    }
    const boost::json::object& object = value.get_object();
    PubLine out{raw_text(object, "channel"), raw_text(object, "event"), raw_text(object, "data"),
                raw_text(object, "socket_id")};
    if (out.channel.empty() || out.event.empty()) {
        return PubLineError{"names no \"" + std::string(out.channel.empty() ? "channel" : "event") + "\""};
    }
    const boost::json::value* data = object.if_contains("data");
    if (data != nullptr && !data->is_string()) {
        out.data = boost::json::serialize(*data);
    }
    return out;
}

}  // namespace tulle::cli
