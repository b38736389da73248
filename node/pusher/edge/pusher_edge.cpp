#include "node/pusher/edge/pusher_edge.hpp"

#include <utility>
#include <variant>

#include "node/pusher/core/limits.hpp"
#include "node/pusher/wire/channel_query.hpp"
#include "node/web/http_connection.hpp"
#include "node/web/refuse_full.hpp"
#include "node/wire/client_question.hpp"

namespace tulle::node {
namespace {

/// This shard's part of the node's HTTP connections. The kernel spreads connections over the shards.
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
      clients_({reactor_, hub_, apps_, options_.timeouts, *limits_, *rations_, book_, options_.presence_grace,
                options_.seed}),
      http_({reactor_, hub_, room_, clients_, apps_, ws_limits_, *limits_, *rations_, book_, options_.demo,
             options_.drain_ready_status, options_.spans.get()}),
      has_limited_app_(has_limited_app(apps_)) {
    clients_.delivery().trace_to(options_.spans.get());
}

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
    refuse_full(socket);
}

/// Incomplete requests go first, then the clients with the most waiting bytes. Nothing waits for a client fast enough
/// to take everything sent: such a client is spared.
void PusherEdge::shed(std::uint64_t bytes) {
    room_.end_incomplete();
    clients_.delivery().fanout().shed(bytes);
}

void PusherEdge::on_mail(mesh::ToShard& message) {
    if (const auto* deliver = std::get_if<mesh::Deliver>(&message)) {
        clients_.delivery().deliver(*deliver);
    } else {
        // Order counts: gathered events must go out before the message, which may change the subscribers.
        end_mail();
        std::visit([this](auto& value) { handle(value); }, message);
    }
}

/// Ends every client possibly concerned by the message: for a record the subscribers of the channels; for a change of a
/// channel all clients. A lost answer concerns a single HTTP request: the connection ends at the connection's deadline.
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

/// An order to end a user's connections travels as a query, since a query goes to every shard of every node.
std::optional<std::vector<std::string>> PusherEdge::answer(const mesh::LocalQuery& query) {
    if (const std::optional<pusher::EndUser> order = pusher::decode_end_user(query.body)) {
        clients_.end_user(order->app_id, order->user);
    }
    if (const std::optional<ClientQuestion> question = decode_client_question(query.body)) {
        return clients_.answer(*question, options_.name);
    }
    return pusher::answer_channel_query(query.body, clients_.tables(), mesh::kMaxQueryPartBytes);
}

void PusherEdge::end_turn() {
    clients_.tell_duties();
    clients_.tell_leavings();
    tell_uses();
}

/// All shards of a node count together in AppRations, and a single shard speaks for the node.
void PusherEdge::tell_uses() {
    // Without a limited app there is nothing to report, once the last report is empty.
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
    // A refused report is tried again after kUseInterval.
    if (uses != told_uses_ && hub_.offer(mesh::ShareUsage{uses}) == Push::kAccepted) {
        told_uses_ = std::move(uses);
    }
}

void PusherEdge::set_moving(bool is_moving) {
    clients_.set_leave_mode(is_moving ? LeaveMode::kAfterGrace : LeaveMode::kAtOnce);
}

std::vector<Slot> PusherEdge::clients_to_move(bool) const {
    return clients_.in_order_of_moving();
}

void PusherEdge::begin_drain() {
    http_.begin_drain();
    // A user who connects to another node in time has not left.
    clients_.set_leave_mode(LeaveMode::kNever);
}

}  // namespace tulle::node
