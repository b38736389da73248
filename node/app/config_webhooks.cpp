#include "node/app/config_webhooks.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "node/app/http_url.hpp"
#include "node/app/meant_key.hpp"
#include "node/core/ip_address.hpp"

namespace tulle::node {
namespace {

// Headers that every webhook carries already, or that would change where a request ends. Besides: X-Pusher-*.
constexpr std::string_view kOurHeaders[] = {"content-type", "content-length", "host",      "transfer-encoding",
                                            "connection",   "expect",         "user-agent"};
// The characters of a token besides letters and digits (RFC 9110, 5.6.2).
constexpr std::string_view kHeaderNameCharacters = "!#$%&'*+-.^_`|~";

/// The keys of a webhook, and the keys of [webhooks], for the suggestion after an unknown key.
constexpr std::string_view kWebhookKeys[] = {
    "url", "event_types", "channel_name_starts_with", "channel_name_ends_with", "headers", "batch", "keep_types"};
constexpr std::string_view kSettings[] = {
    "allow_private_addresses", "vacated_hold", "removed_hold", "timeout", "retry_for", "queue_events", "queue_bytes"};

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// The URL of a webhook.
std::string url_of(const Entry& entry) {
    std::string url = text_of(entry);
    if (const std::string why = why_no_http_url(url, kMaxWebhookUrlBytes); !why.empty()) {
        entry.reject(why);
    }
    return url;
}

/// A header of a webhook. Line breaks and control characters are refused, as they would begin another header.
std::pair<std::string, std::string> header_of(const Entry& entry, std::string_view name) {
    std::string small(name);
    std::transform(small.begin(), small.end(), small.begin(), lower);
    const auto is_name_character = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               kHeaderNameCharacters.find(c) != std::string_view::npos;
    };
    if (name.empty() || !std::all_of(small.begin(), small.end(), is_name_character)) {
        entry.reject("is no name of a header");
    }
    if (small.starts_with("x-pusher-") ||
        std::find(std::begin(kOurHeaders), std::end(kOurHeaders), small) != std::end(kOurHeaders)) {
        entry.reject("is a header that Tulle sets itself");
    }
    std::string value = text_of(entry);
    const bool is_plain = std::all_of(value.begin(), value.end(), [](char c) { return is_visible(c) || c == ' '; });
    if (value.empty() || !is_plain || value.starts_with(' ') || value.ends_with(' ') ||
        name.size() + value.size() > kMaxWebhookHeaderBytes) {
        entry.reject("must be 1 to " + std::to_string(kMaxWebhookHeaderBytes) +
                     " visible characters and spaces, with the name, and no space at either end");
    }
    return {std::string(name), std::move(value)};
}

/// The value of event_types: the named events take the place of the default events.
void take_events(const Entry& entry, Webhook& webhook) {
    webhook.events.reset();
    for_each_element(entry, "strings", [&webhook](const Entry& element) {
        const std::string name = text_of(element);
        const std::optional<WebhookEvent> event = webhook_event_of(name);
        if (!event) {
            element.reject("'" + name +
                           "' is none of channel_occupied, channel_vacated, member_added, member_removed, "
                           "client_event, cache_miss, subscription_count");
        }
        webhook.events.set(static_cast<std::size_t>(*event));
    });
}

/// Reads a table of [[apps.webhooks]].
Webhook webhook_of(const Entry& table) {
    Webhook webhook;
    for_each_member(table, [&webhook](const Entry& entry, std::string_view name) {
        if (name == "url") {
            webhook.url = url_of(entry);
        } else if (name == "event_types") {
            take_events(entry, webhook);
        } else if (name == "channel_name_starts_with") {
            webhook.channel_name_starts_with = text_of(entry);
        } else if (name == "channel_name_ends_with") {
            webhook.channel_name_ends_with = text_of(entry);
        } else if (name == "headers") {
            for_each_member(entry, [&webhook](const Entry& header, std::string_view header_name) {
                webhook.headers.push_back(header_of(header, header_name));
            });
        } else if (name == "batch") {
            webhook.batch = bool_of(entry);
        } else if (name == "keep_types") {
            webhook.keep_types = bool_of(entry);
        } else {
            entry.reject_key(meant_key(name, kWebhookKeys));
        }
    });
    if (webhook.url.empty()) {
        table.reject("url is missing");
    }
    if (webhook.headers.size() > kMaxWebhookHeaders) {
        table.reject("has more than " + std::to_string(kMaxWebhookHeaders) + " headers");
    }
    return webhook;
}

/// The network in a text: "10.0.0.0/8", "fd00::/8", or a single address.
AddressRange range_of(const Entry& entry) {
    const std::string text = text_of(entry);
    const std::optional<AddressRange> range = parse_range(text);
    if (!range) {
        entry.reject("'" + text + "' is no network of the form 10.0.0.0/8 or fd00::/8");
    }
    return *range;
}

/// The value of allow_private_addresses: true, false, or a list of networks.
AddressPolicy policy_of(const Entry& entry) {
    AddressPolicy policy;
    if (entry.node.is_boolean()) {
        policy.allow_all = bool_of(entry);
    } else {
        for_each_element(entry, "networks, or true for all",
                         [&policy](const Entry& element) { policy.allowed.push_back(range_of(element)); });
    }
    return policy;
}

}  // namespace

std::vector<Webhook> webhooks_of(const Entry& entry) {
    std::vector<Webhook> webhooks;
    for_each_element(entry, "tables: [[apps.webhooks]]",
                     [&webhooks](const Entry& table) { webhooks.push_back(webhook_of(table)); });
    if (webhooks.size() > kMaxWebhooks) {
        entry.reject("has more than " + std::to_string(kMaxWebhooks) + " webhooks");
    }
    return webhooks;
}

WebhookSettings webhook_settings_of(const Entry& table) {
    WebhookSettings settings;
    for_each_member(table, [&settings](const Entry& entry, std::string_view name) {
        if (name == "allow_private_addresses") {
            settings.addresses = policy_of(entry);
        } else if (name == "vacated_hold") {
            settings.vacated_hold = duration_of(entry, Duration{}, kMaxWebhookHold);
        } else if (name == "removed_hold") {
            settings.removed_hold = duration_of(entry, Duration{}, kMaxWebhookHold);
        } else if (name == "timeout") {
            settings.timeout = duration_of(entry, 1ms, kMaxWebhookTimeout);
        } else if (name == "retry_for") {
            settings.retry_for = duration_of(entry, Duration{}, kMaxWebhookRetryFor);
        } else if (name == "queue_events") {
            settings.queue_events = number_of(entry, kMaxWebhookQueueEvents);
        } else if (name == "queue_bytes") {
            settings.queue_bytes = number_of(entry, kMaxWebhookQueueBytes);
        } else {
            entry.reject_key(meant_key(name, kSettings));
        }
    });
    return settings;
}

}  // namespace tulle::node
