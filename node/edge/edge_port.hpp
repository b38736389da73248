#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "mesh/core/node/port.hpp"
#include "node/core/address.hpp"
#include "node/core/ip_address.hpp"
#include "node/edge/edge.hpp"
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
class EdgePort : private ProxyPrelude::Owner {
public:
    /// `hub` must outlive the port. `make` makes the edge, never null. The hub calls `on_mail`, on the hub's thread,
    /// after putting a message into the empty mailbox.
    EdgePort(mesh::ShardIndex index, mesh::HubMailbox& hub, const ShardContext& context, const MakeEdge& make,
             std::function<void()> on_mail);

    [[nodiscard]] mesh::ShardIndex index() const { return index_; }
    [[nodiscard]] mesh::ShardMailbox& mailbox() { return mailbox_; }
    [[nodiscard]] Listener& listener() { return listener_; }
    [[nodiscard]] Edge& edge() { return *edge_; }
    /// From here on every connection must come from a trusted proxy and begin with a header of the PROXY protocol. Call
    /// before the listener starts.
    void expect_proxy_header() { expects_proxy_header_ = true; }

    /// Gives every message in the mailbox to the edge.
    void take_mail();
    /// Ends the edge's turn and hands over to the hub everything that the edge has to say. False: a part waits for room
    /// in the hub's mailbox; the caller tries again soon.
    [[nodiscard]] bool tell_hub();
    /// The node is going away: new connections are closed at once from here on, and the edge is told.
    void begin_drain();

private:
    /// Lets a new connection in, or refuses the connection, by NodeLimits. A connection of a listener with the PROXY
    /// protocol is then read first.
    void take_in(Socket socket);
    /// Counts a new connection in NodeLimits; refuses the connection otherwise.
    [[nodiscard]] bool let_in(const IpAddress& from, Socket& socket);
    void on_proxy_header(Socket socket, Peer peer, bool is_let_in) override;
    void on_no_proxy_header(const IpAddress& from, std::string_view why) override;
    /// Says in the log why a connection was closed, at most once in kProxyLogInterval of the whole node.
    void tell_proxy(const IpAddress& from, std::string_view why);
    /// Tells a peer about the full node; counts.
    void refuse(Socket& socket);
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
    Listener listener_;
    /// The messages of the take_mail under way. A member, so that the memory is used again.
    std::vector<mesh::ToShard> mail_;
    bool is_draining_ = false;
    bool expects_proxy_header_ = false;
    /// The number of clients that the hub knows, and the time of telling.
    std::uint64_t told_clients_ = 0;
    Instant told_at_{};
};

}  // namespace tulle::node
