#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mesh/base/time.hpp"
#include "node/core/channel_table.hpp"
#include "node/core/presence_rooms.hpp"
#include "node/core/slot.hpp"
#include "node/pusher/core/apps.hpp"
#include "node/pusher/edge/pusher_sessions.hpp"
#include "node/pusher/edge/pusher_users.hpp"
#include "node/wire/client_question.hpp"
#include "node/wire/client_rows.hpp"

namespace tulle::node {

/// Answers questions about the Pusher clients of a shard. Reads the tables of the shard, and changes nothing. Nothing
/// is counted for the answers alone while messages pass, except the messages that come from each client.
///
/// Thread: the shard's.
/// Cost:   O(connections of the shard), or O(channels of the shard) for kChannels; a row costs some microseconds, and
///         an answer has at most kMaxClientRows rows.
class PusherCensus {
public:
    /// What answers are made from. All of it outlives the object.
    struct Sources {
        Instant now;
        /// The name of the node.
        const std::string& node;
        const AppTable& apps;
        /// By slot; null for a slot without a client.
        const std::vector<std::unique_ptr<PusherClient>>& clients;
        const ChannelTable& channels;
        const PresenceRooms& rooms;
        const PusherUsers& users;
    };
    explicit PusherCensus(const Sources& sources) : from_(sources) {}

    /// True when the question is for this node.
    [[nodiscard]] bool is_for_us(const ClientQuestion& question) const {
        return question.node.empty() || question.node == from_.node;
    }
    /// Connections that fit a question.
    struct Chosen {
        /// The first ones in the order of the question.
        std::vector<Slot> slots;
        /// The number of all.
        std::size_t total = 0;
    };
    [[nodiscard]] Chosen choose(const ClientQuestion& question) const;
    /// The answer, in parts of at most `max_part` bytes; a single empty part when the question is for another node.
    [[nodiscard]] std::vector<std::string> answer(const ClientQuestion& question, std::size_t max_part) const;
    /// The answer with the connections that choose() has found. For kKick: the ids of the connections, which are to be
    /// closed.
    [[nodiscard]] std::vector<std::string> answer_connections(const ClientQuestion& question, const Chosen& chosen,
                                                              std::size_t max_part) const;

private:
    [[nodiscard]] std::vector<std::string> answer_channels(const ClientQuestion& question, std::size_t max_part) const;
    [[nodiscard]] std::vector<std::string> answer_presence(const ClientQuestion& question, std::size_t max_part) const;
    /// Null for a slot without a client.
    [[nodiscard]] const PusherClient* client_at(Slot slot) const {
        return slot.value < from_.clients.size() ? from_.clients[slot.value].get() : nullptr;
    }
    /// The connections of the user in the question; nothing when the question names no user.
    [[nodiscard]] std::optional<std::set<Slot>> of_user(const ClientQuestion& question) const;
    /// Whether the client fits all conditions but the user. A client that has been told to close fits none.
    [[nodiscard]] static bool fits(const PusherClient& client, const ClientQuestion& question,
                                   const ChannelTable& channels);
    [[nodiscard]] ConnectionNumbers numbers_of(Slot slot) const;
    [[nodiscard]] ConnectionRow row_of(Slot slot, bool names_channels) const;

    const Sources from_;
};

}  // namespace tulle::node
