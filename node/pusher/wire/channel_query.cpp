#include "node/pusher/wire/channel_query.hpp"

#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "node/pusher/core/channel_name.hpp"
#include "node/pusher/wire/presence.hpp"
#include "node/pusher/wire/raw_json.hpp"

namespace tulle::node::pusher {
namespace {

/// A single shard never holds as many subscribers of a channel; a larger number is a peer's nonsense, and could
/// overflow the sum.
constexpr std::int64_t kMaxCount = 1'000'000'000;
/// A row is ended at this size, so that a channel with many users fits into parts.
constexpr std::size_t kMaxRowBytes = 16u << 10;
/// Begins a part.
constexpr std::string_view kHead = "{\"rows\":[";
/// Ends a part.
constexpr std::string_view kTail = "]}";

/// The text of a JSON string; empty for null.
std::string_view text_of(const boost::json::string* text) {
    return text == nullptr ? std::string_view{} : std::string_view(text->data(), text->size());
}

/// Writes rows into as few parts as the rows fit into. Each part is a JSON object of its own, so that a reader needs no
/// other part.
class PartWriter {
public:
    explicit PartWriter(std::size_t max_part) : max_part_(max_part) {}

    /// Appends a row, in a new part if the row does not fit into the present part.
    void add(std::string_view row) {
        if (parts_.back().size() + 1 + row.size() + kTail.size() > max_part_) {
            parts_.back().append(kTail);
            parts_.emplace_back(kHead);
        }
        parts_.back().append(parts_.back().size() == kHead.size() ? "" : ",").append(row);
    }
    /// Ends the last part. The writer is used up.
    std::vector<std::string> finish() {
        parts_.back().append(kTail);
        return std::move(parts_);
    }

private:
    std::size_t max_part_;
    std::vector<std::string> parts_{std::string(kHead)};
};

/// Writes the rows of a channel. Only the first row has the number of subscribers, since readers add rows up.
void add_channel(const std::string& key, std::uint64_t subscribers, const ShardTables& tables, PartWriter& out) {
    const std::string head = "[\"" + std::string(channel_of_key(key)) + "\",";
    std::string row = head + std::to_string(subscribers);
    for (const std::string_view card : tables.rooms.own_cards(key)) {
        row.append(",").append(id_of_card(card));
        if (row.size() > kMaxRowBytes) {
            out.add(row.append("]"));
            row = head + "0";
        }
    }
    out.add(row.append("]"));
}

/// A user's id from a row. Ids of other types are a peer's nonsense and are left out.
void add_user(const boost::json::value& id, ChannelFacts& facts) {
    if (const boost::json::string* text = id.if_string()) {
        facts.users.emplace(text->data(), text->size());
    } else if (id.is_int64() || id.is_uint64()) {
        facts.users.insert(boost::json::serialize(id));
    }
}

/// Adds a row of a peer to the findings; a malformed row is left out.
void add_row(const boost::json::value& value, ChannelFindings& findings) {
    const boost::json::array* row = value.if_array();
    if (row == nullptr || row->size() < 2 || !row->at(0).is_string() || !row->at(1).is_int64()) {
        return;
    }
    const std::string_view name = text_of(&row->at(0).get_string());
    const std::int64_t subscribers = row->at(1).get_int64();
    if (!is_valid_channel_name(name) || subscribers < 0 || subscribers > kMaxCount) {
        return;
    }
    ChannelFacts& facts = findings[std::string(name)];
    facts.subscribers += static_cast<std::uint64_t>(subscribers);
    std::for_each(row->begin() + 2, row->end(), [&](const boost::json::value& id) { add_user(id, facts); });
}

/// Reads `prefix` or `channels` of a question. False: neither, both, or an invalid name.
bool take_names(const RawObject& object, ChannelQuery& query) {
    const boost::json::string* prefix = object.find_string("prefix");
    const boost::json::value* channels = object.find("channels");
    if (prefix != nullptr) {
        query.is_prefix = true;
        query.names.emplace_back(text_of(prefix));
        return channels == nullptr && (query.names[0].empty() || is_valid_channel_name(query.names[0]));
    }
    if (channels == nullptr || !channels->is_array()) {
        return false;
    }
    for (const boost::json::value& name : channels->get_array()) {
        if (!name.is_string() || !is_valid_channel_name(text_of(&name.get_string()))) {
            return false;
        }
        query.names.emplace_back(text_of(&name.get_string()));
    }
    return true;
}

}  // namespace

std::string encode(const ChannelQuery& query) {
    boost::json::object object;
    object["app"] = query.app_id;
    if (query.is_prefix) {
        object["prefix"] = query.names.front();
    } else {
        object["channels"] = boost::json::array(query.names.begin(), query.names.end());
    }
    return boost::json::serialize(object);
}

std::optional<ChannelQuery> decode_channel_query(std::string_view text) {
    const Result<RawObject, JsonErrc> object = RawObject::parse(text);
    if (!object) {
        return std::nullopt;
    }
    ChannelQuery query{std::string(text_of(object->find_string("app"))), false, {}};
    if (!is_valid_app_id(query.app_id) || !take_names(*object, query)) {
        return std::nullopt;
    }
    return query;
}

std::string encode(const EndUser& order) {
    return "{\"app\":" + quoted(order.app_id) + ",\"end_user\":" + quoted(order.user) + "}";
}

std::optional<EndUser> decode_end_user(std::string_view text) {
    const Result<RawObject, JsonErrc> object = RawObject::parse(text);
    if (!object || object->find_string("end_user") == nullptr) {
        return std::nullopt;
    }
    EndUser order{std::string(text_of(object->find_string("app"))),
                  std::string(text_of(object->find_string("end_user")))};
    return is_valid_app_id(order.app_id) && is_valid_user_id(order.user) ? std::optional(std::move(order))
                                                                         : std::nullopt;
}

std::vector<std::string> answer_channel_query(std::string_view text, const ShardTables& tables, std::size_t max_part) {
    const std::optional<ChannelQuery> query = decode_channel_query(text);
    if (!query) {
        return {std::string()};
    }
    PartWriter out(max_part);
    for (const std::string& name : query->names) {
        const std::string key = channel_key(query->app_id, name);
        if (query->is_prefix) {
            for (const ChannelCount& channel : tables.channels.list(key)) {
                // A prefix may match internal channels, which no backend may list.
                if (!is_internal_key(channel.channel)) {
                    add_channel(channel.channel, channel.subscribers, tables, out);
                }
            }
        } else if (const auto subscribers = tables.channels.confirmed(key); !subscribers.empty()) {
            add_channel(key, subscribers.size(), tables, out);
        }
    }
    return out.finish();
}

ChannelFindings sum_answers(const std::vector<std::string>& parts) {
    ChannelFindings findings;
    for (const std::string& part : parts) {
        const Result<RawObject, JsonErrc> object = RawObject::parse(part);
        const boost::json::value* rows = object ? object->find("rows") : nullptr;
        if (rows != nullptr && rows->is_array()) {
            for (const boost::json::value& row : rows->get_array()) {
                add_row(row, findings);
            }
        }
    }
    return findings;
}

}  // namespace tulle::node::pusher
