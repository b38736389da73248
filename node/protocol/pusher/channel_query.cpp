#include "node/protocol/pusher/channel_query.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "node/core/channel_name.hpp"
#include "node/protocol/pusher/raw_json.hpp"

namespace tulle::node::pusher {
namespace {

/// A single node never holds as many subscribers of one channel; a larger number is a peer's nonsense.
constexpr std::int64_t kMaxCount = 1'000'000'000;

std::string_view text_of(const boost::json::string* text) {
    return text == nullptr ? std::string_view{} : std::string_view(text->data(), text->size());
}

void add_counts(const boost::json::object& channels, ChannelCounts& counts) {
    for (const auto& member : channels) {
        const std::string_view name(member.key().data(), member.key().size());
        const std::int64_t* count = member.value().if_int64();
        if (count != nullptr && *count > 0 && *count <= kMaxCount && is_valid_channel_name(name)) {
            counts[std::string(name)] += static_cast<std::uint64_t>(*count);
        }
    }
}

}  // namespace

std::string encode(const ChannelQuery& query) {
    boost::json::object object;
    object["app"] = query.app_id;
    object[query.is_prefix ? "prefix" : "channel"] = query.name;
    return boost::json::serialize(object);
}

std::optional<ChannelQuery> decode_channel_query(std::string_view text) {
    const Result<RawObject, JsonErrc> object = RawObject::parse(text);
    if (!object) {
        return std::nullopt;
    }
    const boost::json::string* prefix = object->find_string("prefix");
    const boost::json::string* channel = object->find_string("channel");
    ChannelQuery query{std::string(text_of(object->find_string("app"))), prefix != nullptr,
                       std::string(text_of(prefix != nullptr ? prefix : channel))};
    const bool is_name_valid = is_valid_channel_name(query.name) || (query.is_prefix && query.name.empty());
    if (!is_valid_app_id(query.app_id) || !is_name_valid || (prefix != nullptr && channel != nullptr)) {
        return std::nullopt;
    }
    return query;
}

std::vector<std::string> answer_channel_query(std::string_view text, const ChannelTable& channels,
                                              std::size_t max_part) {
    const std::optional<ChannelQuery> query = decode_channel_query(text);
    if (!query) {
        return {std::string()};
    }
    std::vector<ChannelCount> found;
    const std::string key = channel_key(query->app_id, query->name);
    if (query->is_prefix) {
        found = channels.list(key);
    } else if (const std::vector<Slot>* subscribers = channels.confirmed(key)) {
        found.push_back({key, subscribers->size()});
    }
    constexpr std::string_view kHead = "{\"channels\":{";
    constexpr std::string_view kTail = "}}";
    std::vector<std::string> parts{std::string(kHead)};
    for (const ChannelCount& channel : found) {
        const std::string member =
            "\"" + std::string(channel_of_key(channel.channel)) + "\":" + std::to_string(channel.subscribers);
        if (parts.back().size() + 1 + member.size() + kTail.size() > max_part) {
            parts.back().append(kTail);
            parts.emplace_back(kHead);
        }
        parts.back().append(parts.back().size() == kHead.size() ? "" : ",").append(member);
    }
    parts.back().append(kTail);
    return parts;
}

ChannelCounts sum_counts(const std::vector<std::string>& parts) {
    ChannelCounts counts;
    for (const std::string& part : parts) {
        const Result<RawObject, JsonErrc> object = RawObject::parse(part);
        const boost::json::value* channels = object ? object->find("channels") : nullptr;
        if (channels != nullptr && channels->is_object()) {
            add_counts(channels->get_object(), counts);
        }
    }
    return counts;
}

}  // namespace tulle::node::pusher
