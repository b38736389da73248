#include "node/pusher/edge/pusher_edge.hpp"

#include <utility>
#include <variant>

#include "node/pusher/core/limits.hpp"
#include "node/pusher/wire/channel_query.hpp"
#include "node/web/http_connection.hpp"
#include "node/web/refuse_full.hpp"

namespace tulle::node {
namespace {

/// Of the HTTP connections that the node may have; the kernel spreads them over the shards.
std::size_t http_share(const EdgeContext& context) {
    return (context.limits->capacity().http + context.shards - 1) / context.shards;
}

}  // namespace

PusherEdge::PusherEdge(const EdgeContext& context, PusherOptions options)
    : reactor_(context.reactor),
      hub_(context.hub),
      speaks_for_node_(context.speaks_for_node),
      options_(std::move(options)),
      apps_(options_.apps),
      limits_(context.limits),
      rations_(options_.rations ? options_.rations : std::make_shared<AppRations>(apps_)),
      ws_limits_{options_.outbox, options_.permessage_deflate},
      room_(http_share(context), options_.http_idle_timeout),
      clients_({reactor_, hub_, apps_, options_.timeouts, *limits_, *rations_, options_.seed}),
      http_({reactor_, hub_, room_, clients_, apps_, ws_limits_, *limits_, *rations_, options_.demo}),
      has_limited_app_(has_limited_app(apps_)) {}

void PusherEdge::set_apps(AppTable apps) {
    apps_ = std::move(apps);
    has_limited_app_ = has_limited_app(apps_);
    clients_.on_apps_changed();
}

void PusherEdge::accept(Socket socket, Peer peer) {
    if (room_.is_full() && !room_.make_room()) {
        reactor_.counters().full_refusals_total.add();
        refuse(socket);
        return;
    }
    std::make_shared<HttpConnection>(reactor_, http_, room_, std::move(socket), std::move(peer))->start();
}

void PusherEdge::refuse(Socket& socket) {
    refuse_full(socket.native_handle());
}

/// Requests that are not whole go first; of the clients those for whom most waits. Whoever takes what is sent is not
/// among them.
void PusherEdge::shed(std::uint64_t bytes) {
    room_.end_incomplete();
    clients_.delivery().fanout().shed(bytes);
}

void PusherEdge::on_mail(mesh::ToShard& message) {
    if (const auto* deliver = std::get_if<mesh::Deliver>(&message)) {
        clients_.delivery().deliver(*deliver->record);
    } else {
        end_mail();
        std::visit([this](auto& value) { handle(value); }, message);
    }
}

/// Whoever the message may be for is ended: the subscribers of its channels; for what changes a channel, all clients.
/// Answers to requests are missed by their connections alone, which end at their deadlines.
void PusherEdge::on_mail_lost(const mesh::ToShard& message, const std::exception& error) noexcept {
    clients_.delivery().fanout().fail_run(error);
    if (const auto* deliver = std::get_if<mesh::Deliver>(&message)) {
        clients_.delivery().on_lost(*deliver->record, error);
    } else if (!std::holds_alternative<mesh::Published>(message) &&
               !std::holds_alternative<mesh::QueryResult>(message) &&
               !std::holds_alternative<mesh::StatusReply>(message)) {
        clients_.delivery().fanout().fail_all(error);
    }
}

void PusherEdge::handle(const mesh::Published& answer) {
    if ((answer.id & PusherClients::kEventIdBit) != 0) {
        clients_.on_publish_refused(answer);
    } else {
        http_.on_published(answer);
    }
}

void PusherEdge::handle(const mesh::ClusterUsage& usage) {
    if (speaks_for_node_) {
        rations_->on_others(usage.sources, usage.others);
    }
}

/// An order to end a user's connections travels as a query, as it goes to every shard of every node.
std::vector<std::string> PusherEdge::answer(const std::string& query) {
    if (const std::optional<pusher::EndUser> order = pusher::decode_end_user(query)) {
        clients_.end_user(order->app_id, order->user);
    }
    return pusher::answer_channel_query(query, clients_.tables(), mesh::kMaxQueryPartBytes);
}

void PusherEdge::end_turn() {
    clients_.tell_duties();
    tell_uses();
}

/// One shard speaks for the node, whose shards count together.
void PusherEdge::tell_uses() {
    if (!speaks_for_node_ || (!has_limited_app_ && (!told_uses_ || told_uses_->empty()))) {
        return;
    }
    if (reactor_.now() < told_uses_at_ + kUseInterval) {
        reactor_.wake_at(told_uses_at_ + kUseInterval);
        return;
    }
    told_uses_at_ = reactor_.now();
    reactor_.wake_at(told_uses_at_ + kUseInterval);
    Rations::Uses uses = rations_->uses(reactor_.now());
    if (uses != told_uses_ && hub_.offer(mesh::ShareUsage{uses}) == Push::kAccepted) {
        told_uses_ = std::move(uses);
    }
}

void PusherEdge::begin_drain() {
    http_.begin_drain();
    clients_.begin_drain();
}

}  // namespace tulle::node
