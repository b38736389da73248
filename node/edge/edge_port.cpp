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
      listener_(context.reactor, [this](Socket socket) { take_in(std::move(socket), plain_); }) {
    TULLE_ASSERT(edge_ != nullptr);
    listener_.on_starved([this] { return make_room(); });
}

Listener& EdgePort::add_secure_listener(MakeCipher make) {
    handshakes_.emplace(reactor_, std::move(make),
                        [this](Socket socket, Peer peer) { take_in_secured(std::move(socket), std::move(peer)); });
    secure_listener_.emplace(reactor_, [this](Socket socket) { take_in(std::move(socket), secure_); });
    secure_listener_->on_starved([this] { return make_room(); });
    return *secure_listener_;
}

bool EdgePort::make_room() {
    return edge_->make_room() || (handshakes_ && handshakes_->make_room());
}

void EdgePort::start_listening() {
    listener_.start();
    if (secure_listener_) {
        secure_listener_->start();
    }
}

void EdgePort::stop_listening() {
    listener_.stop();
    if (secure_listener_) {
        secure_listener_->stop();
    }
}

void EdgePort::resume_listening() {
    listener_.reopen();
    if (secure_listener_) {
        secure_listener_->reopen();
    }
}

void EdgePort::take_in(Socket socket, Entrance& entrance) {
    const std::optional<IpAddress> from = address_of(socket);
    if (!from || is_draining_) {
        // The peer has gone already, or the node is going away: the socket closes.
        return;
    }
    if (entrance.expects_proxy_header && !limits_->proxies().holds(*from)) {
        reactor_.counters().proxy_senders_refused_total.add();
        tell_proxy(*from, "is not in trusted_proxies", entrance.security);
        return;
    }
    if (!let_in(*from, socket, entrance.security)) {
        return;
    }
    Peer peer(*from, limits_);
    if (entrance.expects_proxy_header) {
        std::make_shared<ProxyPrelude>(reactor_, entrance, std::move(socket), *from, std::move(peer))->start();
    } else {
        go_on(std::move(socket), std::move(peer), entrance.security);
    }
}

void EdgePort::go_on(Socket socket, Peer peer, Security security) {
    if (security == Security::kSecure) {
        // A handshake of a node that goes away would lead to nothing.
        if (!is_draining_) {
            handshakes_->begin(std::move(socket), std::move(peer));
        }
    } else {
        edge_->accept(std::move(socket), std::move(peer));
    }
}

void EdgePort::take_in_secured(Socket socket, Peer peer) {
    if (is_draining_) {
        socket.close();
    } else {
        edge_->accept(std::move(socket), std::move(peer));
    }
}

bool EdgePort::let_in(const IpAddress& from, Socket& socket, Security security) {
    // The clients behind a trusted proxy have addresses of their own, so the proxy's address counts nothing.
    const auto address = limits_->proxies().holds(from) ? std::nullopt : std::optional(peer_of(from));
    NodeLimits::Entry entry = limits_->enter(address);
    if (entry == NodeLimits::Entry::kNodeIsFull && make_room()) {
        entry = limits_->enter(address);
    }
    if (entry == NodeLimits::Entry::kNodeIsFull) {
        refuse(socket, security);
    } else if (entry == NodeLimits::Entry::kAddressIsFull) {
        reactor_.counters().address_capped_total.add();
    }
    return entry == NodeLimits::Entry::kLetIn;
}

void EdgePort::Entrance::on_proxy_header(Socket socket, Peer peer, bool is_let_in) {
    if (is_let_in) {
        port.go_on(std::move(socket), std::move(peer), security);
    } else {
        port.reactor_.counters().address_capped_total.add();
    }
}

void EdgePort::Entrance::on_no_proxy_header(const IpAddress& from, std::string_view why) {
    port.reactor_.counters().proxy_headers_refused_total.add();
    port.tell_proxy(from, why, security);
}

void EdgePort::tell_proxy(const IpAddress& from, std::string_view why, Security security) {
    if (!limits_->may_tell_of_proxies(reactor_.now())) {
        return;
    }
    spdlog::warn(
        "a connection from {} was closed: {} is set, so a trusted proxy and a PROXY header are expected,"
        " but the sender {} (told once a minute)",
        to_string(unmapped(from)), security == Security::kSecure ? "tls_proxy_protocol" : "proxy_protocol", why);
}

void EdgePort::refuse(Socket& socket, Security security) {
    reactor_.counters().full_refusals_total.add();
    // A peer that expects a handshake would not understand the protocol's words: its socket closes.
    if (security == Security::kPlain) {
        edge_->refuse(socket);
    }
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
        if (const auto* deliver = std::get_if<mesh::Deliver>(&message)) {
            reactor_.deliveries().note(deliver->numbered);
        }
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
    std::optional<std::vector<std::string>> parts = edge_->answer(query);
    if (!parts) {
        return;
    }
    if (parts->empty()) {
        parts->emplace_back();
    }
    for (std::size_t i = 0; i < parts->size(); ++i) {
        hub_.send(mesh::LocalAnswer{query.token, std::move((*parts)[i]), i + 1 == parts->size()});
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
