#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "node/core/channel_table.hpp"
#include "node/pusher/wire/session.hpp"

/// What the edges of different nodes ask each other through Query: opaque to the mesh, input from a peer to the reader.
namespace tulle::node::pusher {

/// Who is on channels of an app: on those named, or on all whose name begins with a prefix.
struct ChannelQuery {
    std::string app_id;
    bool is_prefix = false;
    std::vector<std::string> names;  ///< or the prefix alone, which may be empty
    friend bool operator==(const ChannelQuery&, const ChannelQuery&) = default;
};

[[nodiscard]] std::string encode(const ChannelQuery& query);
/// Nothing for any text that encode does not produce: the asker gets an empty answer.
[[nodiscard]] std::optional<ChannelQuery> decode_channel_query(std::string_view text);

/// To every shard: end the connections of a user. The answer says nothing but that it is done.
struct EndUser {
    std::string app_id;
    std::string user;
    friend bool operator==(const EndUser&, const EndUser&) = default;
};

[[nodiscard]] std::string encode(const EndUser& order);
/// Nothing for any text that encode does not produce.
[[nodiscard]] std::optional<EndUser> decode_end_user(std::string_view text);

/// This shard's answer to a query's text, in parts of at most `max_part` bytes; one empty part for a text that
/// is no query of ours. A row for each channel: its name, its subscribers here, and the ids of its users if it has
/// members; of a channel with many users, more than one row.
[[nodiscard]] std::vector<std::string> answer_channel_query(std::string_view query, const ShardTables& tables,
                                                            std::size_t max_part);

struct ChannelFacts {
    std::uint64_t subscribers = 0;
    /// of a presence channel, each once however many nodes and connections it is on: ids as text
    std::set<std::string> users;
};

/// By channel name, summed over the parts.
using ChannelFindings = std::map<std::string, ChannelFacts, std::less<>>;
/// Malformed parts and rows are left out.
[[nodiscard]] ChannelFindings sum_answers(const std::vector<std::string>& parts);

}  // namespace tulle::node::pusher
