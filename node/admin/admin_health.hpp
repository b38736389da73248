#pragma once

#include "node/admin/admin_routes.hpp"
#include "node/edge/node_limits.hpp"
#include "node/web/core/http_message.hpp"

namespace tulle::node {

/// What the admin listener tells load balancers of the node.
///
/// Thread: the listener's. `limits` outlives the object.
class AdminHealth {
public:
    /// `drain_status`: the status of /ready while the node drains.
    AdminHealth(NodeLimits& limits, unsigned drain_status) : limits_(limits), drain_status_(drain_status) {}

    /// The mesh has let the node serve, or has not.
    void set_ready(bool is_ready) { is_ready_ = is_ready; }
    /// The node is going away.
    void begin_drain() { is_draining_ = true; }
    [[nodiscard]] bool is_draining() const { return is_draining_; }

    /// The answer to GET /ready.
    [[nodiscard]] HttpResponse ready();
    /// The answer to OPTIONS, as the public listener gives it: the check of HAProxy, unless configured otherwise, is
    /// "OPTIONS /".
    [[nodiscard]] HttpResponse options_of(const AdminRoute& route);

private:
    NodeLimits& limits_;
    const unsigned drain_status_;
    bool is_ready_ = false;
    bool is_draining_ = false;
};

}  // namespace tulle::node
