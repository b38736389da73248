#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mesh/base/time.hpp"
#include "mesh/core/node/effects.hpp"
#include "mesh/core/node/hub_turns.hpp"
#include "mesh/core/node/numbers.hpp"
#include "mesh/core/node/port.hpp"
#include "mesh/keys/mesh_key.hpp"

namespace tulle::mesh {

/// The mesh's part of a node's configuration.
struct MeshOptions {
    std::string name;
    std::string cluster;
    std::string version;
    /// "host:port" to bind for control; port 0 takes a free port.
    std::string mesh = "127.0.0.1:7001";
    /// "host:port" to bind for data; port 0 takes a free port.
    std::string mesh_data = "127.0.0.1:7002";
    /// The host told to other nodes; empty: the bound host. Needed when bound to every address.
    std::string advertise;
    /// The endpoint for clients told to other nodes, "host:port".
    std::string listen;
    /// Seeds, "host:port". Every address of a name is a seed, and names are looked up again and again.
    std::vector<std::string> peers;
    /// The keys of the cluster. Empty: the mesh is open to whoever reaches its ports.
    KeyRing keys;
    /// How long the users and counts of a lost node still count.
    Duration presence_grace = Timing{}.presence_grace;
    /// Memory for the histories of channels.
    std::size_t history_bytes = Limits{}.history_bytes;
};

/// The bound endpoints, "host:port", with the ports taken.
struct BoundMesh {
    std::string mesh;
    std::string mesh_data;
};

/// The hub: owns the mesh's sockets and the MeshNode, and runs turns on a thread of its own or on a host's thread.
///
/// Thread: construct, configure and destroy on one thread; mailbox(), retire() and leave() from any thread. With a
///         host, "the hub's thread" means the host's thread.
/// Ownership: attached mailboxes must outlive the runner. The destructor stops and joins the hub's thread without
///            sending Leave. A host must have ended before the destructor.
/// Errors: an exception in a turn ends the hub: the hub logs the error, calls the callback of on_fatal() and does
///         nothing more.
class MeshRunner {
public:
    /// Binds both sockets. Throws std::runtime_error with the address when an address cannot be bound.
    explicit MeshRunner(MeshOptions options);
    ~MeshRunner();
    MeshRunner(const MeshRunner&) = delete;
    MeshRunner& operator=(const MeshRunner&) = delete;

    /// The endpoints as bound.
    [[nodiscard]] BoundMesh bound() const;
    /// The mailbox for messages of ports to the hub. try_push refuses beyond kMailboxCapacity items.
    [[nodiscard]] HubMailbox& mailbox();
    /// Items waiting for the hub. The bound keeps a slow hub from filling the memory; try_push refuses any further
    /// item.
    static constexpr std::size_t kMailboxCapacity = 65536;

    /// Adds a port and its mailbox. Call before start().
    void attach(ShardIndex shard, ShardMailbox& box);
    /// Names the attached port for this node's duties. Call before start(). A node without such a port cannot be in a
    /// mesh with shards counting or ordering duties.
    void set_duty_shard(ShardIndex shard);
    /// Replaces the endpoint for clients told to other nodes. Call before start().
    void set_listen(std::string listen);
    /// Sets the callback for the end of the hub, for instance when another node holds the name. Call before start().
    /// The callback runs on the hub's thread.
    void on_fatal(std::function<void(std::string)> callback);
    /// Sets the callback for a change of the number of living nodes: those with a session, and this one. As on_fatal().
    void on_members(std::function<void(std::size_t)> callback);
    /// Sets the callback for what happens in the mesh, beside the log. As on_fatal(); must not wait.
    void on_notice(std::function<void(const Notice&)> callback);
    /// Starts the hub's thread. Throws std::runtime_error when bound to every address without `advertise`, or without
    /// random numbers.
    void start();
    /// Prepares the hub for a host instead of calling start(). `hosts` are the attached ports of the host's thread. The
    /// host runs the returned turns. Throws the exceptions of start().
    [[nodiscard]] HubTurns& start_hosted(const std::vector<ShardIndex>& hosts);

    /// Tells the other nodes: the shards have no clients any more, and the node will leave. Publishes are answered with
    /// kNotReady from here on. When no other node stays, the port of the duties gets a DutyLast, and the node goes on
    /// with its duties for `telling` at most, during leave() too.
    void retire(Duration telling);
    /// Replaces the keys, from any thread. All keys of the ring are accepted at once. When the key in use changes, the
    /// node tells its peers, and binds its ports again within some seconds. REQUIRES: the node has keys, and `keys` is
    /// not empty.
    void set_keys(KeyRing keys);
    /// Sends Leave to the other nodes and waits for their receipts, for `deadline` at most. Then calls `on_left` on the
    /// hub's thread. Messages pushed by shards before the call still count; later publishes are answered with
    /// kNotReady.
    void leave(Duration deadline, std::function<void()> on_left);

private:
    class Hub;
    std::unique_ptr<Hub> hub_;
};

}  // namespace tulle::mesh
