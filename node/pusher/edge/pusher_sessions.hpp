#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "mesh/base/event_body.hpp"
#include "node/core/channel_table.hpp"
#include "node/core/slot.hpp"
#include "node/pusher/core/apps.hpp"
#include "node/pusher/wire/session.hpp"
#include "node/web/ws_connection.hpp"

namespace tulle::node {

/// One Pusher client of a shard.
struct PusherClient {
    WsConnection* connection;
    pusher::Session session;
    AppTable apps;             ///< keeps the session's app
    std::uint32_t generation;  ///< tells clients apart that have had the same slot
};

/// What the parts of a shard's Pusher edge want of its clients.
///
/// Thread: the shard's.
class PusherSessions {
public:
    PusherSessions() = default;
    PusherSessions(const PusherSessions&) = delete;
    PusherSessions& operator=(const PusherSessions&) = delete;
    virtual ~PusherSessions() = default;

    /// Null: the client has gone.
    [[nodiscard]] virtual PusherClient* find(Slot slot) const = 0;
    /// Nothing when no client of this shard has the id.
    [[nodiscard]] virtual std::optional<Slot> slot_of(std::string_view socket_id) const = 0;
    /// Carries out what a session has decided, and takes from the effects what it hands on.
    virtual void run(PusherClient& client, pusher::SessionEffects& effects) = 0;
    virtual void run(const ChannelEffects& effects) = 0;
    /// One event for all subscribers of a channel.
    virtual void broadcast(std::string_view channel, const EventBody& body) = 0;
    /// Closes the connections that are signed in as the user, or are members of presence channels as that user.
    virtual void end_user(std::string_view app_id, std::string_view user) = 0;
};

}  // namespace tulle::node
