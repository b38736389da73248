#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <vector>

#include "mesh/core/node/port.hpp"
#include "node/core/address.hpp"
#include "node/edge/edge.hpp"
#include "node/edge/hub_port.hpp"
#include "node/edge/listener.hpp"

namespace tulle::node {

/// An edge with its listener and its port to the hub: an index and a mailbox of its own.
///
/// Thread: the shard's; the hub's thread pushes into the mailbox.
class EdgePort {
public:
    /// The hub calls `on_mail`, on the hub's thread, after putting something into the mailbox.
    EdgePort(mesh::ShardIndex index, mesh::HubMailbox& hub, const ShardContext& context, const MakeEdge& make,
             std::function<void()> on_mail);
    EdgePort(const EdgePort&) = delete;
    EdgePort& operator=(const EdgePort&) = delete;

    [[nodiscard]] mesh::ShardIndex index() const { return index_; }
    [[nodiscard]] mesh::ShardMailbox& mailbox() { return mailbox_; }
    [[nodiscard]] Listener& listener() { return listener_; }
    [[nodiscard]] Edge& edge() { return *edge_; }

    void take_mail();
    /// Hands over to the hub everything that the edge has to say. False: a part waits for room in the hub's mailbox.
    [[nodiscard]] bool tell_hub();
    void begin_drain();

private:
    void take_in(Socket socket);
    void refuse(Socket& socket);
    void take(mesh::ToShard& message, bool is_last);
    void give_up(const mesh::ToShard& message, const std::exception& error) noexcept;
    void answer(const mesh::LocalQuery& query);
    void tell_load();

    const mesh::ShardIndex index_;
    Reactor& reactor_;
    const std::shared_ptr<NodeLimits> limits_;
    mesh::ShardMailbox mailbox_;
    HubPort hub_;
    const std::unique_ptr<Edge> edge_;
    Listener listener_;
    std::vector<mesh::ToShard> mail_;
    bool is_draining_ = false;
    std::uint64_t told_clients_ = 0;
    Instant told_at_{};
};

}  // namespace tulle::node
