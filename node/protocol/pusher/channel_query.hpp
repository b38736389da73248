#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/core/channel_table.hpp"

/// What the edges of different nodes ask each other through Query: opaque to the mesh, input from a peer to the reader.
namespace tulle::node::pusher {

/// Who is subscribed to the channels of an app: to one, or to all whose name begins with a prefix.
struct ChannelQuery {
    std::string app_id;
    bool is_prefix = false;
    std::string name;  ///< or the prefix, which may be empty
    friend bool operator==(const ChannelQuery&, const ChannelQuery&) = default;
};

[[nodiscard]] std::string encode(const ChannelQuery& query);
/// Nothing for any text that encode does not produce: the asker gets an empty answer.
[[nodiscard]] std::optional<ChannelQuery> decode_channel_query(std::string_view text);

/// This shard's answer to a query's text, in parts of at most `max_part` bytes; one empty part for a text that
/// is no query of ours.
[[nodiscard]] std::vector<std::string> answer_channel_query(std::string_view query, const ChannelTable& channels,
                                                            std::size_t max_part);

/// Subscribers by channel name, summed over the parts.
using ChannelCounts = std::map<std::string, std::uint64_t, std::less<>>;
/// Malformed parts, names and numbers are left out.
[[nodiscard]] ChannelCounts sum_counts(const std::vector<std::string>& parts);

}  // namespace tulle::node::pusher
