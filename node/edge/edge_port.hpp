#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "mesh/core/node/port.hpp"
#include "node/core/address.hpp"
#include "node/core/ip_address.hpp"
#include "node/edge/edge.hpp"
#include "node/edge/handshakes.hpp"
#include "node/edge/hub_port.hpp"
#include "node/edge/listener.hpp"
#include "node/edge/proxy_prelude.hpp"

namespace tulle::node {

/// An edge with its listener and its port to the hub: an index and a mailbox of its own.
///
/// Takes new connections in under the node's limits, after the header of the PROXY protocol if the listener expects
/// one, gives messages of the hub to the edge, and answers queries of the mesh.
///
/// Thread: the shard's; the hub's thread pushes into the mailbox.
/// Limits: the mailbox holds kShardMailboxItems messages; when the mailbox is full, the hub declares a gap.
/// Errors: a connection to a listener with the PROXY protocol is closed, counted and told in the log when its sender is
///         no trusted proxy, or when no correct header comes. An exception of the edge ends the work at hand (Edge) and
///         is counted. The constructor passes on any exception of `make`.
class EdgePort {
public:
    /// `hub` must outlive the port. `make` makes the edge, never null. The hub calls `on_mail`, on the hub's thread,
    /// after putting a message into the empty mailbox.
    EdgePort(mesh::ShardIndex index, mesh::HubMailbox& hub, const ShardContext& context, const MakeEdge& make,
             std::function<void()> on_mail);
    EdgePort(const EdgePort&) = delete;
    EdgePort& operator=(const EdgePort&) = delete;

    [[nodiscard]] mesh::ShardIndex index() const { return index_; }
    [[nodiscard]] mesh::ShardMailbox& mailbox() { return mailbox_; }
    [[nodiscard]] Listener& listener() { return listener_; }
    /// Adds a second listener, whose connections are encrypted by ciphers of `make`. Call once, before start_listening.
    /// The caller binds the listener.
    Listener& add_secure_listener(MakeCipher make);
    [[nodiscard]] Edge& edge() { return *edge_; }
    /// From here on every connection of listener() must come from a trusted proxy and begin with a header of the PROXY
    /// protocol. Call before the listener starts.
    void expect_proxy_header() { plain_.expects_proxy_header = true; }
    /// The same for the second listener: the header comes before the handshake, in plain text.
    void expect_proxy_header_before_handshakes() { secure_.expects_proxy_header = true; }

    /// Begins to accept on all listeners.
    void start_listening();
    /// Accepts the connections that wait in the kernel, and no later connections.
    void stop_listening();
    /// Listens again, after stop_listening().
    void resume_listening();
    /// Goes on with the handshakes of encrypted connections. Call once at the end of each turn.
    void run_handshakes() {
        if (handshakes_) {
            handshakes_->run_some();
        }
    }

    /// Gives every message in the mailbox to the edge.
    void take_mail();
    /// Ends the edge's turn and hands over to the hub everything that the edge has to say. False: a part waits for room
    /// in the hub's mailbox; the caller tries again soon.
    [[nodiscard]] bool tell_hub();
    /// The node is going away: new connections are closed at once from here on, and the edge is told.
    void begin_drain();

private:
    /// Whether the bytes of a new connection are encrypted.
    enum class Security : bool { kPlain, kSecure };
    /// What the connections of a listener pass before the edge. Hears what becomes of headers of the PROXY protocol.
    struct Entrance final : ProxyPrelude::Owner {
        Entrance(EdgePort& its_port, Security its_security) : port(its_port), security(its_security) {}
        void on_proxy_header(Socket socket, Peer peer, bool is_let_in) override;
        void on_no_proxy_header(const IpAddress& from, std::string_view why) override;

        EdgePort& port;
        const Security security;
        bool expects_proxy_header = false;
    };
    /// Lets a new connection in, or refuses the connection, by NodeLimits. A connection of a listener with the PROXY
    /// protocol is then read first, and an encrypted connection shakes hands.
    void take_in(Socket socket, Entrance& entrance);
    /// Takes in a connection whose client's address is known.
    void go_on(Socket socket, Peer peer, Security security);
    /// Takes in an encrypted connection whose handshake is done.
    void take_in_secured(Socket socket, Peer peer);
    /// Ends an idle connection, or a peer that has not even begun, in favour of a newcomer. False: there is none.
    [[nodiscard]] bool make_room();
    /// Counts a new connection in NodeLimits; refuses the connection otherwise.
    [[nodiscard]] bool let_in(const IpAddress& from, Socket& socket, Security security);
    /// Says in the log why a connection was closed, at most once in kProxyLogInterval of the whole node.
    void tell_proxy(const IpAddress& from, std::string_view why, Security security);
    /// Tells a peer about the full node; counts.
    void refuse(Socket& socket, Security security);
    /// Gives a message to the edge. `is_last`: the last message of this take_mail.
    void take(mesh::ToShard& message, bool is_last);
    /// Has the edge end the connections that may have missed `message`.
    void give_up(const mesh::ToShard& message, const std::exception& error) noexcept;
    /// Sends the edge's answer to a query.
    void answer(const mesh::LocalQuery& query);
    /// Tells the hub about a changed number of clients, at most every 250 ms.
    void tell_load();

    const mesh::ShardIndex index_;
    Reactor& reactor_;
    const std::shared_ptr<NodeLimits> limits_;
    mesh::ShardMailbox mailbox_;
    HubPort hub_;
    const std::unique_ptr<Edge> edge_;
    Entrance plain_{*this, Security::kPlain};
    Entrance secure_{*this, Security::kSecure};
    Listener listener_;
    /// Both are there with an encrypted listener alone.
    std::optional<Handshakes> handshakes_;
    std::optional<Listener> secure_listener_;
    /// The messages of the take_mail under way. A member, so that the memory is used again.
    std::vector<mesh::ToShard> mail_;
    bool is_draining_ = false;
    /// The number of clients that the hub knows, and the time of telling.
    std::uint64_t told_clients_ = 0;
    Instant told_at_{};
};

}  // namespace tulle::node
