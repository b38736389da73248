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

/// The questions that edges of different nodes ask each other through Query. The mesh does not read the text of a
/// question or of an answer. To the reader, the text is input from a peer and is checked like any input.
namespace tulle::node::pusher {

/// Asks for the subscribers and users of channels of an app: of the named channels, or of all channels with a prefix.
struct ChannelQuery {
    std::string app_id;
    bool is_prefix = false;
    /// Channel names; or only the prefix, which may be empty, when `is_prefix`.
    std::vector<std::string> names;
    friend bool operator==(const ChannelQuery&, const ChannelQuery&) = default;
};

/// The text of the question. The caller keeps the text within the mesh's limit by the number of names.
[[nodiscard]] std::string encode(const ChannelQuery& query);
/// Nothing for a text that encode() cannot have produced. The asker then gets an empty answer.
[[nodiscard]] std::optional<ChannelQuery> decode_channel_query(std::string_view text);

/// Asks every shard to end the connections of a user. The answer only says: done.
struct EndUser {
    std::string app_id;
    std::string user;
    friend bool operator==(const EndUser&, const EndUser&) = default;
};

/// The text of the order.
[[nodiscard]] std::string encode(const EndUser& order);
/// Nothing for a text that encode() cannot have produced.
[[nodiscard]] std::optional<EndUser> decode_end_user(std::string_view text);

/// This shard's answer to the text of a question, in parts of at most `max_part` bytes; a single empty part for a text
/// that is no ChannelQuery. `max_part` must hold a row, which is little longer than 16 KiB. A row describes a channel:
/// name, subscribers in this shard, and ids of users on a presence channel. A channel with many users has several rows,
/// of which only the first counts the subscribers.
[[nodiscard]] std::vector<std::string> answer_channel_query(std::string_view query, const ShardTables& tables,
                                                            std::size_t max_part);

/// The sum of all answers about a channel.
struct ChannelFacts {
    std::uint64_t subscribers = 0;
    /// Users of a presence channel: ids as text, each once however many nodes and connections the user is on.
    std::set<std::string> users;
};

/// By channel name, summed over all parts of all nodes.
using ChannelFindings = std::map<std::string, ChannelFacts, std::less<>>;
/// Adds the answers up. Malformed parts and rows are left out, as a peer may send anything.
[[nodiscard]] ChannelFindings sum_answers(const std::vector<std::string>& parts);

}  // namespace tulle::node::pusher
