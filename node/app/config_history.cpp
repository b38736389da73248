#include "node/app/config_history.hpp"

#include <algorithm>
#include <string>
#include <string_view>

#include "node/app/meant_key.hpp"

namespace tulle::node {
namespace {

/// The keys of a rule, for the suggestion after an unknown key.
constexpr std::string_view kRuleKeys[] = {
    "channel_name_starts_with", "channel_name_ends_with", "ack", "size", "bytes", "ttl"};

/// Reads a table of [[apps.history]].
HistoryRule rule_of(const Entry& table) {
    HistoryRule rule;
    bool bounds_history = false;
    for_each_member(table, [&](const Entry& entry, std::string_view name) {
        if (name == "channel_name_starts_with") {
            rule.channel_name_starts_with = text_of(entry);
        } else if (name == "channel_name_ends_with") {
            rule.channel_name_ends_with = text_of(entry);
        } else if (name == "ack") {
            rule.ack = static_cast<std::uint8_t>(number_of(entry, kMaxAck));
        } else if (name == "size") {
            rule.size = number_of(entry, kMaxHistoryEvents);
        } else if (name == "bytes") {
            rule.bytes = number_of(entry, kMaxHistoryEventBytes);
            bounds_history = true;
        } else if (name == "ttl") {
            rule.ttl = duration_of(entry, 1s, kMaxHistoryAge);
            bounds_history = true;
        } else {
            entry.reject_key(meant_key(name, kRuleKeys));
        }
    });
    if (bounds_history && rule.size == 0) {
        table.reject("has bytes or ttl without size: without a size the channels have no history");
    }
    return rule;
}

/// True when every channel that fits `later` fits `earlier` too, so `later` never holds.
bool hides(const HistoryRule& earlier, const HistoryRule& later) {
    return later.channel_name_starts_with.starts_with(earlier.channel_name_starts_with) &&
           later.channel_name_ends_with.ends_with(earlier.channel_name_ends_with);
}

}  // namespace

std::vector<HistoryRule> history_rules_of(const Entry& entry) {
    std::vector<HistoryRule> rules;
    for_each_element(entry, "tables: [[apps.history]]", [&rules](const Entry& table) {
        HistoryRule rule = rule_of(table);
        if (std::any_of(rules.begin(), rules.end(), [&rule](const HistoryRule& known) { return hides(known, rule); })) {
            table.reject("never holds: a rule before it fits the same channels, and the first rule that fits holds");
        }
        rules.push_back(std::move(rule));
    });
    if (rules.size() > kMaxHistoryRules) {
        entry.reject("has more than " + std::to_string(kMaxHistoryRules) + " rules");
    }
    return rules;
}

}  // namespace tulle::node
