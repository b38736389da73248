#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <boost/json.hpp>

#include "node/pusher/core/limits.hpp"
#include "node/web/core/origin_pattern.hpp"
#include "tools/cli/import_config.hpp"
#include "tools/cli/import_values.hpp"

namespace tulle::cli {
namespace {

namespace json = boost::json;

/// Builds the text of an app from the members of the other server's app.
class AppWriter {
public:
    AppWriter(json::object app, const ImportDefaults& defaults, std::string_view server)
        : app_(std::move(app)), defaults_(defaults), server_(server) {}

    Result<std::string, ImportError> write(std::size_t& outbox_bytes) {
        flatten_policy();
        for (const std::string& missing : {write_name("id", {"id", "app_id"}), write_name("key", {"key", "app_key"}),
                                           write_name("secret", {"secret", "app_secret"})}) {
            if (!missing.empty()) {
                return ImportError{0, missing};
            }
        }
        write_flags();
        write_limits();
        write_presence(outbox_bytes);
        write_origins();
        const std::string hooks = webhooks();
        for (const std::string& path : paths_of(app_)) {
            comment(path + ": no counterpart");
        }
        return "\n[[apps]]\n" + text_ + hooks;
    }

private:
    void add(std::string_view key, const std::string& value) { text_.append(key).append(" = ").append(value) += "\n"; }
    void comment(const std::string& sentence) { text_ += "# " + sentence + "\n"; }

    /// Moves the members of Sockudo's policy, which stand in groups, to the top of the app.
    void flatten_policy() {
        for (const char* group : {"policy.limits", "policy.features", "policy.channels"}) {
            std::optional<json::value> members = take_value(app_, group);
            if (members && members->is_object()) {
                for (auto& member : members->get_object()) {
                    app_.insert_or_assign(member.key(), member.value());
                }
            }
        }
        if (std::optional<json::value> hooks = take_value(app_, "policy.webhooks")) {
            app_["webhooks"] = std::move(*hooks);
        }
    }

    /// The first of the members `names` of the app, or of the defaults for all apps.
    std::optional<json::value> take(std::initializer_list<const char*> names) {
        std::optional<json::value> out;
        for (const char* name : names) {
            std::optional<json::value> value = take_value(app_, name);
            out = out ? std::move(out) : std::move(value);
        }
        for (const char* name : names) {
            const json::value* value = defaults_.app.if_contains(name);
            if (!out && value != nullptr) {
                out = *value;
            }
        }
        return out;
    }

    /// Writes id, key or secret. Returns what is missing, as a sentence.
    std::string write_name(const std::string& key, std::initializer_list<const char*> theirs) {
        const std::optional<json::value> value = take(theirs);
        const std::optional<std::string> text = value ? import_text(*value) : std::nullopt;
        if (!text) {
            return "has no " + key;
        }
        add(key, *text);
        return {};
    }

    void write_flag(std::string_view key, std::initializer_list<const char*> theirs) {
        if (const std::optional<json::value> value = take(theirs)) {
            if (const std::optional<bool> flag = import_flag(*value)) {
                add(key, *flag ? "true" : "false");
            } else {
                comment(std::string(*theirs.begin()) + ": its value is neither true nor false");
            }
        }
    }

    void write_flags() {
        write_flag("enabled", {"enabled"});
        // Reverb lets clients talk to each other unless told otherwise.
        if (server_ == "reverb") {
            const std::optional<json::value> from = take({"accept_client_events_from"});
            const bool is_none = from && import_text(*from) == "\"none\"";
            add("client_events", is_none ? "false" : "true");
        } else {
            write_flag("client_events", {"enable_client_messages"});
        }
        write_flag("watchlist_events", {"enable_watchlist_events"});
        const std::optional<json::value> users = take({"enable_user_authentication"});
        if (users && import_flag(*users).value_or(false)) {
            add("user_authentication", "true");
            const double seconds = std::clamp(std::round(defaults_.authentication_seconds), 1.0, 86'400.0);
            add("authorization_timeout", std::to_string(static_cast<std::int64_t>(seconds)));
        }
    }

    /// Writes a limit. Values below 1 stand for "no limit" at the others; `may_be_zero`: 0 says so here. `scale`: what
    /// the value is multiplied with. Returns the value, or nothing when there is no line.
    std::optional<std::size_t> write_limit(std::string_view key, std::initializer_list<const char*> theirs,
                                           std::size_t most, bool may_be_zero, double scale = 1) {
        const std::optional<json::value> value = take(theirs);
        const std::optional<double> number = value ? import_number(*value) : std::nullopt;
        if (!number) {
            if (value) {
                comment(std::string(*theirs.begin()) + ": its value is no number");
            }
            return std::nullopt;
        }
        double limit = std::floor(*number * scale);
        if (limit < 1) {
            limit = may_be_zero ? 0 : static_cast<double>(most);
        }
        if (limit > static_cast<double>(most)) {
            comment(std::string(*theirs.begin()) + ": Tulle allows " + std::to_string(most) + " at most");
            limit = static_cast<double>(most);
        }
        const auto written = static_cast<std::size_t>(limit);
        add(key, std::to_string(written));
        return written;
    }

    void write_limits() {
        write_limit("max_connections", {"max_connections"}, node::kMaxAppConnections, true);
        write_limit("max_backend_events_per_second", {"max_backend_events_per_second", "max_backend_events_per_sec"},
                    node::kMaxAppRate, true);
        const bool has_rate =
            write_limit("client_events_per_second", {"max_client_events_per_second", "max_client_events_per_sec"},
                        node::kMaxClientEventsPerSecond, true)
                .has_value();
        // Tulle has a limit by default, and the others have none.
        if (!has_rate) {
            add("client_events_per_second", "0");
        }
        write_limit("max_read_requests_per_second", {"max_read_requests_per_second", "max_read_req_per_sec"},
                    node::kMaxAppRate, true);
        write_limit("max_channel_name_length", {"max_channel_name_length"}, node::kMaxChannelNameBytes, false);
        write_limit("max_event_channels_at_once", {"max_event_channels_at_once"}, node::kMaxPublishChannels, false);
        write_limit("max_event_name_length", {"max_event_name_length"}, node::kMaxEventNameCharacters, false);
        write_limit("max_event_batch_size", {"max_event_batch_size"}, node::kMaxBatchEvents, false);
        write_limit("cache_ttl", {"cache_ttl"}, static_cast<std::size_t>(node::kMaxCacheTtl / std::chrono::seconds(1)),
                    true);
    }

    /// Writes the limits that take memory for what waits for a client.
    void write_presence(std::size_t& outbox_bytes) {
        const bool is_reverb = server_ == "reverb";
        const std::size_t event =
            (is_reverb ? write_limit("max_event_bytes", {"max_message_size"}, node::kMaxEventBytes, false)
                       : write_limit("max_event_bytes", {"max_event_payload_in_kb"}, node::kMaxEventBytes, false, 1024))
                .value_or(node::kDefaultMaxEventBytes);
        const std::size_t members =
            write_limit("max_presence_members", {"max_presence_members_per_channel"}, node::kMaxPresenceMembers, false)
                .value_or(node::kDefaultMaxPresenceMembers);
        const std::size_t bytes = write_limit("max_presence_member_bytes", {"max_presence_member_size_in_kb"},
                                              node::kMaxPresenceMemberBytes, false, 1024)
                                      .value_or(node::kDefaultMaxPresenceMemberBytes);
        const std::size_t list = members * (2 * bytes + 4 * node::kMaxUserIdBytes);
        outbox_bytes = std::max({outbox_bytes, list, event + node::kClientMessageOverhead});
    }

    /// The patterns that stand for one of the other server's. Reverb and Sockudo take names of hosts as well, which
    /// mean any scheme and port.
    static std::vector<std::string> patterns_of(const std::string& origin) {
        if (origin == "*" || origin == "null" || origin.find("://") != std::string::npos) {
            return {origin};
        }
        return {"https://" + origin + ":*", "http://" + origin + ":*"};
    }

    void write_origins() {
        const std::optional<json::value> value = take({"allowed_origins"});
        const json::array* origins = value ? value->if_array() : nullptr;
        if (origins == nullptr || origins->empty()) {
            return;
        }
        std::string list;
        for (const json::value& origin : *origins) {
            const json::string* text = origin.if_string();
            const std::string name = text == nullptr ? "" : std::string(text->data(), text->size());
            if (name == "*") {
                comment("allowed_origins: every origin, as without the key");
                return;
            }
            for (const std::string& pattern : patterns_of(name)) {
                if (!node::parse_origin_pattern(pattern).error.empty()) {
                    comment("allowed_origins: " + import_quoted(name) + " is no origin for Tulle, and is left out");
                    break;
                }
                list += (list.empty() ? "" : ", ") + import_quoted(pattern);
            }
        }
        // A list of which nothing is left must not open the app to all.
        add("allowed_origins", "[" + (list.empty() ? "\"https://none.invalid\"" : list) + "]");
    }

    /// The tables of webhooks.
    std::string webhooks() {
        const std::optional<json::value> value = take({"webhooks"});
        const json::array* hooks = value ? value->if_array() : nullptr;
        std::string out;
        for (std::size_t i = 0; hooks != nullptr && i < hooks->size(); ++i) {
            if ((*hooks)[i].is_object()) {
                out += webhook((*hooks)[i].get_object());
            }
        }
        return out;
    }

    std::string webhook(json::object hook) const;

    json::object app_;
    const ImportDefaults& defaults_;
    std::string_view server_;
    std::string text_;
};

/// The events that a webhook of Tulle can be told of.
constexpr std::string_view kEvents[] = {"channel_occupied", "channel_vacated", "member_added",      "member_removed",
                                        "client_event",     "cache_miss",      "subscription_count"};

/// The event names of a webhook as a list of the file. Names that Tulle does not know go to `unknown`.
std::string event_list(const json::value& events, std::string& unknown) {
    std::string list;
    for (std::size_t i = 0; events.is_array() && i < events.get_array().size(); ++i) {
        const json::string* text = events.get_array()[i].if_string();
        const std::string name = text == nullptr ? "?" : std::string(text->data(), text->size());
        const bool is_known = std::find(std::begin(kEvents), std::end(kEvents), name) != std::end(kEvents);
        if (is_known) {
            list += (list.empty() ? "\"" : ", \"") + name + "\"";
        } else {
            unknown += (unknown.empty() ? "" : ", ") + import_quoted(name);
        }
    }
    return list;
}

/// The headers of a webhook as an inline table; empty for none.
std::string header_table(const json::value& headers) {
    std::string list;
    for (const auto& member : headers.is_object() ? headers.get_object() : json::object{}) {
        if (const std::optional<std::string> text = import_text(member.value())) {
            const std::string name(member.key().data(), member.key().size());
            list += (list.empty() ? "" : ", ") + import_quoted(name) + " = " + *text;
        }
    }
    return list.empty() ? "" : "{ " + list + " }";
}

std::string AppWriter::webhook(json::object hook) const {
    const std::optional<json::value> url = take_value(hook, "url");
    const std::optional<std::string> text = url ? import_text(*url) : std::nullopt;
    if (!text) {
        return "# a webhook without a URL, such as a function of Lambda, has no counterpart\n";
    }
    std::string notes;
    std::string out = "\n[[apps.webhooks]]\nurl = " + *text + "\n";
    if (const std::optional<json::value> events = take_value(hook, "event_types")) {
        std::string unknown;
        const std::string list = event_list(*events, unknown);
        notes += unknown.empty() ? "" : "# event_types: Tulle has no " + unknown + "\n";
        if (list.empty()) {
            return "\n# the webhook " + *text + " is told of nothing that Tulle has, and is left out\n";
        }
        out += "event_types = [" + list + "]\n";
    }
    for (const char* filter : {"channel_name_starts_with", "channel_name_ends_with"}) {
        const std::optional<json::value> value = take_value(hook, std::string("filter.") + filter);
        const std::optional<std::string> name = value ? import_text(*value) : std::nullopt;
        out += name ? filter + (" = " + *name) + "\n" : "";
    }
    if (const std::optional<json::value> headers = take_value(hook, "headers")) {
        const std::string table = header_table(*headers);
        out += table.empty() ? "" : "headers = " + table + "\n";
    }
    out += std::string("batch = ") + (defaults_.webhooks_in_batches ? "true" : "false") + "\nkeep_types = true\n";
    for (const std::string& path : paths_of(hook)) {
        notes += "# " + path + ": no counterpart\n";
    }
    return out + notes;
}

}  // namespace

Result<std::string, ImportError> import_app(json::object app, const ImportDefaults& defaults, std::string_view server,
                                            std::size_t& outbox_bytes) {
    return AppWriter(std::move(app), defaults, server).write(outbox_bytes);
}

}  // namespace tulle::cli
