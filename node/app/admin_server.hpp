#pragma once

#include <memory>
#include <vector>

#include "mesh/core/port.hpp"
#include "node/core/address.hpp"
#include "node/io/shard_counters.hpp"

namespace tulle::node {

/// The admin listener on a thread of its own: /up, /ready, /metrics, /v1/status. To the hub it is one more shard, which
/// never subscribes and has nothing to say to queries.
///
/// Thread: its owner's.
/// Limits: the hub's answer is waited for a second; then /metrics does without it and /v1/status is 503.
/// Errors: bind throws std::runtime_error that names the address.
class AdminServer {
public:
    /// `shards` must outlive it.
    AdminServer(mesh::ShardIndex index, mesh::HubMailbox& hub, std::vector<const ShardCounters*> shards);
    /// Stops and joins.
    ~AdminServer();
    AdminServer(const AdminServer&) = delete;
    AdminServer& operator=(const AdminServer&) = delete;

    Address bind(const Address& address);
    [[nodiscard]] mesh::ShardMailbox& mailbox();
    void start();
    /// Ends the thread. The mailbox stays: the hub may still write into it.
    void stop();

private:
    class Loop;
    std::unique_ptr<Loop> loop_;
};

}  // namespace tulle::node
