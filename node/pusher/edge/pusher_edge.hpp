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

/// The configuration of the Pusher edge of a shard.
struct PusherOptions {
    /// The name of the node, for answers about its clients.
    std::string name{};
    AppTable apps;
    /// Shared by the shards of the node; null: this edge counts alone.
    std::shared_ptr<AppRations> rations = nullptr;
    pusher::SessionTimeouts timeouts;
    /// How long an HTTP connection may be silent between requests.
    Duration http_idle_timeout = kHttpIdleTimeout;
    /// For the users of clients that the node closes to come back at another node.
    Duration presence_grace = 2s;
    /// The status of /ready while the node drains.
    unsigned drain_ready_status = 503;
    /// Of each WebSocket.
    OutboxLimits outbox{kMaxOutboxBytes, kWriteTimeout};
    /// WebSocket compression is offered to clients.
    bool permessage_deflate = false;
    DemoContent demo;
    /// For the spans of traced messages; null: nothing is traced.
    std::shared_ptr<SpanQueue> spans = {};
    /// Of the socket ids. Random, and another for each shard.
    std::uint64_t seed = 0;
};

/// The Pusher protocol on a shard: WebSocket clients, the HTTP API, and the pages of the public listener.
///
/// Thread: the shard's.
/// Limits: this shard's part of the node's HTTP connections. An idle HTTP connection makes way for a new connection.
/// Errors: see Edge.
class PusherEdge final : public Edge {
public:
    PusherEdge(const EdgeContext& context, PusherOptions options);

    /// The counters of the apps on this shard.
    [[nodiscard]] const AppBook& app_book() const { return book_; }
    /// A new configuration of the apps. Clients of apps that are gone or disabled are closed.
    void set_apps(AppTable apps);

    /// Every connection begins with HTTP; a WebSocket is an upgrade.
    void accept(Socket socket, Peer peer) override;
    [[nodiscard]] bool make_room() override { return room_.make_room(); }
    void refuse(Socket& socket) override;
    void shed(std::uint64_t bytes) override;
    [[nodiscard]] std::size_t clients() const override { return clients_.size(); }

    void on_mail(mesh::ToShard& message) override;
    /// Sends the frames gathered over several records.
    void end_mail() override { clients_.delivery().fanout().end_run(); }
    void on_mail_lost(const mesh::ToShard& message, const std::exception& error) noexcept override;
    [[nodiscard]] std::optional<std::vector<std::string>> answer(const mesh::LocalQuery& query) override;

    void end_turn() override;
    void on_hub_room() override { clients_.resume_paused(); }
    void set_moving(bool is_moving) override;
    void end_idle() override { room_.drain(reactor_.now()); }
    [[nodiscard]] std::vector<Slot> clients_to_move(bool is_for_balance) const override;
    void begin_drain() override;

private:
    void handle(const mesh::Subscribed& answer) { clients_.on_subscribed(answer); }
    /// To the sender of a client event, or to the HTTP request.
    void handle(const mesh::Published& answer);
    void handle(const mesh::QueryResult& result) { http_.on_query_result(result); }
    void handle(const mesh::RetainedFound& found) { clients_.cached().learn(found.channel, found.event); }
    void handle(const mesh::MemberChanged& change) { clients_.on_member_changed(change); }
    void handle(const mesh::MemberJoined& answer) { clients_.on_member_joined(answer); }
    void handle(const mesh::Gap& gap) { clients_.delivery().on_gap(gap); }
    void handle(const mesh::Readiness& readiness) { http_.set_ready(readiness.ready); }
    void handle(const mesh::StatusReply& reply) { http_.on_status(reply); }
    /// Only the shard that speaks for the node passes the uses on, as all shards count together.
    void handle(const mesh::ClusterUsage& usage);
    /// Carried out by on_mail() itself.
    void handle(const mesh::Deliver&) {}
    /// Answered by answer().
    void handle(const mesh::LocalQuery&) {}
    /// Only the admin listener traces.
    void handle(const mesh::TraceResult&) {}
    void handle(mesh::Resumed& answer) { clients_.on_resumed(answer); }
    /// This edge asks for no echo.
    void handle(const mesh::Echoed&) {}
    /// Nothing of a client depends on a single node.
    void handle(const mesh::PeerChange&) {}
    /// The duties of the node go to the webhook worker.
    void handle(const mesh::DutyChanged&) {}
    void handle(const mesh::DutyRevoked&) {}
    void handle(const mesh::DutyLast&) {}
    void handle(const mesh::DutyPerform&) {}

    /// Reports the node's uses of allowances to the other nodes, at most once in kUseInterval and only when they have
    /// changed.
    void tell_uses();

    Reactor& reactor_;
    HubPort& hub_;
    /// True for a single shard of the node.
    const bool speaks_for_node_;
    const PusherOptions options_;
    AppTable apps_;
    const std::shared_ptr<NodeLimits> limits_;
    const std::shared_ptr<AppRations> rations_;
    AppBook book_;
    const WsLimits ws_limits_;
    HttpRoom room_;
    PusherClients clients_;
    PublicHttp http_;
    /// False: no app has a quota or an allowance, and nothing needs to be reported.
    bool has_limited_app_;
    /// The last report. Nothing: this node has not reported yet, and is not counted as a source.
    std::optional<Rations::Uses> told_uses_;
    /// When the last report was tried.
    Instant told_uses_at_{};
};

}  // namespace tulle::node
