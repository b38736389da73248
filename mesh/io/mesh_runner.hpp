#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mesh/base/time.hpp"
#include "mesh/core/node/hub_turns.hpp"
#include "mesh/core/node/numbers.hpp"
#include "mesh/core/node/port.hpp"

namespace tulle::mesh {

struct MeshOptions {
    std::string name;
    std::string cluster;
    std::string version;
    std::string mesh = "127.0.0.1:7001";       ///< to bind; port 0 takes a free one
    std::string mesh_data = "127.0.0.1:7002";  ///< to bind; port 0 takes a free one
    std::string advertise;                     ///< host told to others; empty: the bound one
    std::string listen;                        ///< client endpoint told to others, "host:port"
    /// "host:port"; of a name every address is a seed, and it is looked up again and again
    std::vector<std::string> peers;
    Duration presence_grace = Timing{}.presence_grace;  ///< what a lost member brought, or counted, stays so long
};

struct BoundMesh {
    std::string mesh;
    std::string mesh_data;
};

/// The hub: owns the mesh's sockets and its MeshNode, and runs turns, on a thread of its own or hosted by another.
///
/// Thread: construct, configure and destroy on one thread; mailbox(), retire() and leave() from any. "The hub's thread"
///         is the host's when there is one.
/// Ownership: attached mailboxes outlive the runner. Destruction stops and joins the thread without saying Leave; a
///         host has ended before.
class MeshRunner {
public:
    /// Binds. Throws std::runtime_error, naming the address, when that fails.
    explicit MeshRunner(MeshOptions options);
    ~MeshRunner();
    MeshRunner(const MeshRunner&) = delete;
    MeshRunner& operator=(const MeshRunner&) = delete;

    [[nodiscard]] BoundMesh bound() const;
    /// Where shards put what is for the hub: kMailboxCapacity items, then try_push refuses.
    [[nodiscard]] HubMailbox& mailbox();
    static constexpr std::size_t kMailboxCapacity = 65536;

    /// Before start().
    void attach(ShardIndex shard, ShardMailbox& box);
    /// The attached shard that does this node's duties. Before start(). A node without one can't be in a mesh whose
    /// shards count or order any.
    void set_duty_shard(ShardIndex shard);
    /// Before start().
    void set_listen(std::string listen);
    /// Before start(). Called on the hub's thread when the node can't go on (its name is held by another).
    void on_fatal(std::function<void(std::string)> callback);
    void start();
    /// Instead of start(): the turns, for the thread of the attached ports `hosts`, which will run them. Throws what
    /// start() throws.
    [[nodiscard]] HubTurns& start_hosted(const std::vector<ShardIndex>& hosts);

    /// The shards have no clients any more, and the node will leave: the members learn so. When none of them stays, the
    /// shard of the duties gets a DutyLast, and the node goes on telling for `telling` at most, in leave() too.
    /// Publishes are answered kNotReady.
    void retire(Duration telling);
    /// Says Leave to the members and waits for their receipts, at most `deadline`; then calls `on_left` on the hub's
    /// thread. What the shards have said before the call still counts; later publishes are answered kNotReady.
    void leave(Duration deadline, std::function<void()> on_left);

private:
    class Hub;
    std::unique_ptr<Hub> hub_;
};

}  // namespace tulle::mesh
