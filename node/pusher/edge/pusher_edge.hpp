#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "node/core/outbox.hpp"
#include "node/edge/edge.hpp"
#include "node/pusher/core/apps.hpp"
#include "node/pusher/edge/app_rations.hpp"
#include "node/pusher/edge/public_http.hpp"
#include "node/pusher/edge/pusher_clients.hpp"
#include "node/pusher/wire/session.hpp"
#include "node/web/http_room.hpp"
#include "node/web/ws_connection.hpp"

namespace tulle::node {

struct PusherOptions {
    AppTable apps;
    std::shared_ptr<AppRations> rations = nullptr;  ///< of the node; null: of this edge alone
    pusher::SessionTimeouts timeouts;
    Duration http_idle_timeout = kHttpIdleTimeout;
    OutboxLimits outbox{kMaxOutboxBytes, kWriteTimeout};
    bool permessage_deflate = false;
    DemoContent demo;
    std::uint64_t seed = 0;  ///< of the socket ids: random, another for each shard
};

/// The Pusher protocol on one shard: WebSocket clients, the HTTP API, and the pages of the public listener.
///
/// Thread: the shard's.
/// Limits: this shard's part of the HTTP connections that the node may have; an idle one makes way for a new one.
class PusherEdge final : public Edge {
public:
    PusherEdge(const EdgeContext& context, PusherOptions options);

    /// The apps from now on. Clients of apps that are no longer among them are closed.
    void set_apps(AppTable apps);

    void accept(Socket socket, Peer peer) override;
    [[nodiscard]] bool make_room() override { return room_.make_room(); }
    void refuse(Socket& socket) override;
    void shed(std::uint64_t bytes) override;
    [[nodiscard]] std::size_t clients() const override { return clients_.size(); }

    void on_mail(mesh::ToShard& message) override;
    void end_mail() override { clients_.delivery().fanout().end_run(); }
    void on_mail_lost(const mesh::ToShard& message, const std::exception& error) noexcept override;
    [[nodiscard]] std::vector<std::string> answer(const std::string& query) override;

    void end_turn() override;
    void on_hub_room() override { clients_.resume_paused(); }
    void begin_drain() override;

private:
    void handle(const mesh::Subscribed& answer) { clients_.on_subscribed(answer); }
    void handle(const mesh::Published& answer);
    void handle(const mesh::QueryResult& result) { http_.on_query_result(result); }
    void handle(const mesh::RetainedFound& found) { clients_.cached().learn(found.channel, found.event); }
    void handle(const mesh::MemberChanged& change) { clients_.on_member_changed(change); }
    void handle(const mesh::MemberJoined& answer) { clients_.on_member_joined(answer); }
    void handle(const mesh::Gap& gap) { clients_.delivery().on_gap(gap); }
    void handle(const mesh::Readiness& readiness) { http_.set_ready(readiness.ready); }
    void handle(const mesh::StatusReply& reply) { http_.on_status(reply); }
    void handle(const mesh::ClusterUsage& usage);
    void handle(const mesh::Deliver&) {}      // taken before
    void handle(const mesh::LocalQuery&) {}   // answered by answer()
    void handle(const mesh::TraceResult&) {}  // only the admin listener traces
    void handle(const mesh::DutyChanged&) {}  // the webhooks' worker does the node's duties
    void handle(const mesh::DutyRevoked&) {}
    void handle(const mesh::DutyLast&) {}
    void handle(const mesh::DutyPerform&) {}

    void tell_uses();

    Reactor& reactor_;
    HubPort& hub_;
    const bool speaks_for_node_;
    const PusherOptions options_;
    AppTable apps_;
    const std::shared_ptr<NodeLimits> limits_;
    const std::shared_ptr<AppRations> rations_;
    const WsLimits ws_limits_;
    HttpRoom room_;
    PusherClients clients_;
    PublicHttp http_;
    bool has_limited_app_;
    std::optional<Rations::Uses> told_uses_;  ///< nothing: not one of those yet that share
    Instant told_uses_at_{};
};

}  // namespace tulle::node
