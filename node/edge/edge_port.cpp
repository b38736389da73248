#include "node/edge/edge_port.hpp"

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "mesh/base/assert.hpp"
#include "node/core/limits.hpp"

namespace tulle::node {
namespace {

// The hub wants ShardLoad four times a second at most.
constexpr Duration kLoadInterval = 250ms;

/// The address of the peer. Nothing when the connection has ended meanwhile.
std::optional<PeerAddress> address_of(const Socket& socket) {
    boost::system::error_code error;
    const boost::asio::ip::address address = socket.remote_endpoint(error).address();
    if (error) {
        return std::nullopt;
    }
    return address.is_v4() ? peer_of_v4(address.to_v4().to_uint()) : peer_of_v6(address.to_v6().to_bytes());
}

}  // namespace

EdgePort::EdgePort(mesh::ShardIndex index, mesh::HubMailbox& hub, const ShardContext& context, const MakeEdge& make,
                   std::function<void()> on_mail)
    : index_(index),
      reactor_(context.reactor),
      limits_(context.limits),
      mailbox_(kShardMailboxItems, std::move(on_mail)),
      hub_(hub, index),
      edge_(make(EdgeContext{context, hub_})),
      listener_(context.reactor, [this](Socket socket) { take_in(std::move(socket)); }) {
    TULLE_ASSERT(edge_ != nullptr);
}

void EdgePort::take_in(Socket socket) {
    const std::optional<PeerAddress> address = address_of(socket);
    if (!address || is_draining_) {
        // The peer has gone already, or the node is going away: the socket closes.
        return;
    }
    NodeLimits::Entry entry = limits_->enter(*address);
    // The edge may end an idle connection in favour of the newcomer.
    if (entry == NodeLimits::Entry::kNodeIsFull && edge_->make_room()) {
        entry = limits_->enter(*address);
    }
    switch (entry) {
        case NodeLimits::Entry::kNodeIsFull:
            refuse(socket);
            break;
        case NodeLimits::Entry::kAddressIsFull:
            reactor_.counters().address_capped_total.add();
            break;
        case NodeLimits::Entry::kLetIn:
            edge_->accept(std::move(socket), Peer(*address, limits_));
            break;
    }
}

void EdgePort::refuse(Socket& socket) {
    reactor_.counters().full_refusals_total.add();
    edge_->refuse(socket);
}

void EdgePort::take_mail() {
    mailbox_.take_all(mail_);
    for (mesh::ToShard& message : mail_) {
        // The lost message must not take the messages behind with it.
        try {
            take(message, &message == &mail_.back());
        } catch (const std::exception& error) {
            give_up(message, error);
        }
    }
    mail_.clear();
}

void EdgePort::take(mesh::ToShard& message, bool is_last) {
    if (const auto* query = std::get_if<mesh::LocalQuery>(&message)) {
        // A query is about the state after every message before the query, gathered messages included.
        edge_->end_mail();
        answer(*query);
    } else {
        edge_->on_mail(message);
    }
    if (is_last) {
        edge_->end_mail();
    }
}

void EdgePort::give_up(const mesh::ToShard& message, const std::exception& error) noexcept {
    reactor_.count_failure(error);
    edge_->on_mail_lost(message, error);
}

/// Sends the answer in parts. Without any part an empty last part goes out: the hub waits for a last part from every
/// port.
void EdgePort::answer(const mesh::LocalQuery& query) {
    std::vector<std::string> parts = edge_->answer(query.body);
    if (parts.empty()) {
        parts.emplace_back();
    }
    for (std::size_t i = 0; i < parts.size(); ++i) {
        hub_.send(mesh::LocalAnswer{query.token, std::move(parts[i]), i + 1 == parts.size()});
    }
}

bool EdgePort::tell_hub() {
    edge_->end_turn();
    tell_load();
    return hub_.flush();
}

void EdgePort::tell_load() {
    const std::uint64_t clients = edge_->clients();
    if (clients == told_clients_) {
        return;
    }
    // Too early: the loop is woken when the next ShardLoad is due.
    if (reactor_.now() < told_at_ + kLoadInterval) {
        reactor_.wake_at(told_at_ + kLoadInterval);
        return;
    }
    told_at_ = reactor_.now();
    told_clients_ = clients;
    hub_.send(mesh::ShardLoad{told_clients_});
}

void EdgePort::begin_drain() {
    is_draining_ = true;
    edge_->begin_drain();
}

}  // namespace tulle::node
