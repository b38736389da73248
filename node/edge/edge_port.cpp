#include "node/edge/edge_port.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include <spdlog/spdlog.h>

#include "mesh/base/assert.hpp"
#include "node/core/limits.hpp"

namespace tulle::node {
namespace {

// The hub wants ShardLoad four times a second at most.
constexpr Duration kLoadInterval = 250ms;

/// The address of the peer. Nothing when the connection has ended meanwhile.
std::optional<IpAddress> address_of(const Socket& socket) {
    boost::system::error_code error;
    const boost::asio::ip::address address = socket.remote_endpoint(error).address();
    if (error) {
        return std::nullopt;
    }
    IpAddress from{address.is_v6()};
    if (from.is_v6) {
        from.bytes = address.to_v6().to_bytes();
    } else {
        const auto bytes = address.to_v4().to_bytes();
        std::copy(bytes.begin(), bytes.end(), from.bytes.begin());
    }
    return from;
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
    listener_.on_starved([this] { return edge_->make_room(); });
}

void EdgePort::take_in(Socket socket) {
    const std::optional<IpAddress> from = address_of(socket);
    if (!from || is_draining_) {
        // The peer has gone already, or the node is going away: the socket closes.
        return;
    }
    if (expects_proxy_header_ && !limits_->proxies().holds(*from)) {
        reactor_.counters().proxy_senders_refused_total.add();
        tell_proxy(*from, "is not in trusted_proxies");
        return;
    }
    if (!let_in(*from, socket)) {
        return;
    }
    Peer peer(*from, limits_);
    if (expects_proxy_header_) {
        ProxyPrelude::Owner& owner = *this;
        std::make_shared<ProxyPrelude>(reactor_, owner, std::move(socket), *from, std::move(peer))->start();
    } else {
        edge_->accept(std::move(socket), std::move(peer));
    }
}

bool EdgePort::let_in(const IpAddress& from, Socket& socket) {
    // The clients behind a trusted proxy have addresses of their own, so the proxy's address counts nothing.
    const auto address = limits_->proxies().holds(from) ? std::nullopt : std::optional(peer_of(from));
    NodeLimits::Entry entry = limits_->enter(address);
    // The edge may end an idle connection in favour of the newcomer.
    if (entry == NodeLimits::Entry::kNodeIsFull && edge_->make_room()) {
        entry = limits_->enter(address);
    }
    if (entry == NodeLimits::Entry::kNodeIsFull) {
        refuse(socket);
    } else if (entry == NodeLimits::Entry::kAddressIsFull) {
        reactor_.counters().address_capped_total.add();
    }
    return entry == NodeLimits::Entry::kLetIn;
}

void EdgePort::on_proxy_header(Socket socket, Peer peer, bool is_let_in) {
    if (is_let_in) {
        edge_->accept(std::move(socket), std::move(peer));
    } else {
        reactor_.counters().address_capped_total.add();
    }
}

void EdgePort::on_no_proxy_header(const IpAddress& from, std::string_view why) {
    reactor_.counters().proxy_headers_refused_total.add();
    tell_proxy(from, why);
}

void EdgePort::tell_proxy(const IpAddress& from, std::string_view why) {
    if (!limits_->may_tell_of_proxies(reactor_.now())) {
        return;
    }
    spdlog::warn(
        "a connection from {} was closed: proxy_protocol is set, so a trusted proxy and a PROXY header are expected,"
        " but the sender {} (told once a minute)",
        to_string(unmapped(from)), why);
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
