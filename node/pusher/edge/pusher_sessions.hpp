#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "mesh/base/event_body.hpp"
#include "mesh/base/time.hpp"
#include "node/core/channel_table.hpp"
#include "node/core/slot.hpp"
#include "node/pusher/core/apps.hpp"
#include "node/pusher/edge/app_book.hpp"
#include "node/pusher/wire/session.hpp"
#include "node/web/ws_connection.hpp"

namespace tulle::node {

/// A Pusher client of a shard.
struct PusherClient {
    WsConnection* connection;
    pusher::Session session;
    /// Keeps the session's app alive.
    AppTable apps;
    /// Tells apart clients that have had the same slot one after the other.
    std::uint32_t generation;
    /// Of the session's app; the book of the edge outlives the client.
    AppCounters* counters;
    Instant opened_at{};
    /// Messages that have come from the client.
    std::uint64_t received = 0;
};

/// The clients of a shard, as the other parts of the Pusher edge see them. PusherClients implements the interface; so
/// the parts do not depend on PusherClients.
///
/// Thread: the shard's.
class PusherSessions {
public:
    PusherSessions() = default;
    PusherSessions(const PusherSessions&) = delete;
    PusherSessions& operator=(const PusherSessions&) = delete;
    virtual ~PusherSessions() = default;

    /// The client at a slot; null when the client has gone. Valid until the client goes.
    [[nodiscard]] virtual PusherClient* find(Slot slot) const = 0;
    /// The slot of the client with this socket id; nothing when no client of this shard has the id.
    [[nodiscard]] virtual std::optional<Slot> slot_of(std::string_view socket_id) const = 0;
    /// Carries out the decisions of a session. Values may be moved out of `effects`.
    virtual void run(PusherClient& client, pusher::SessionEffects& effects) = 0;
    /// The user of the connection has been taken into a presence channel: admits the subscription, at once or when its
    /// history has come.
    virtual void admit(Slot slot, const std::string& channel) = 0;
    /// Carries out the decisions of the ChannelTable.
    virtual void run(const ChannelEffects& effects) = 0;
    /// Sends an event to all subscribers of a channel.
    virtual void broadcast(std::string_view channel, const EventBody& body) = 0;
    /// Closes the connections signed in as the user, and the connections on presence channels as the user.
    virtual void end_user(std::string_view app_id, std::string_view user) = 0;
};

}  // namespace tulle::node
