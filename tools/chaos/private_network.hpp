#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tools/chaos/descriptor.hpp"
#include "tools/chaos/packet_relay.hpp"
#include "tools/chaos/plan.hpp"
#include "tools/cli/launcher.hpp"
#include "tools/cli/signals.hpp"

namespace tulle::chaos {

/// A network of this process alone. Each node has a network namespace of its own, and this process is the router
/// between the namespaces: the process reaches every node, whatever happens to packets between nodes. The network
/// consists of user and network namespaces, so no privilege is needed where the system allows user namespaces to
/// everybody. Nothing outside is touched, and the whole network ends with the process.
///
/// Addresses: node N is 10.251.N.2, and the router is 10.251.N.1 for node N. IPv4 only.
/// Limits: 250 nodes, as a node has the third byte of an address.
/// Thread: the main thread. The system demands a process without other threads when a network is made.
class PrivateNetwork {
public:
    /// Leaves the namespaces of this process for ever. When the system does not allow the step, the function returns
    /// null and `reason` says why. Nothing is changed then, or the process is left on a loopback of its own. `signals`
    /// must outlive the network.
    [[nodiscard]] static std::unique_ptr<PrivateNetwork> make(std::uint32_t nodes, const cli::Signals& signals,
                                                              std::string& reason);
    PrivateNetwork(const PrivateNetwork&) = delete;
    PrivateNetwork& operator=(const PrivateNetwork&) = delete;
    ~PrivateNetwork();

    /// The address of a node, counted from 1.
    [[nodiscard]] static std::string address(std::uint32_t node);
    /// An address of the router that every node reaches.
    [[nodiscard]] static std::string router_address() { return "10.251.1.1"; }

    /// As long as an Inside lives, processes started and sockets opened by this thread belong to the namespace of the
    /// node. An Inside must be destroyed on the thread of its construction; instances do not nest.
    class Inside {
    public:
        /// Throws std::system_error when the system refuses the namespace.
        Inside(const PrivateNetwork& network, std::uint32_t node);
        Inside(const Inside&) = delete;
        Inside& operator=(const Inside&) = delete;
        /// Returns the thread to the router's namespace. A failure fails an assertion: a process left in the wrong
        /// namespace would harm the run unseen.
        ~Inside();

    private:
        const PrivateNetwork& network_;
    };

    /// Drops packets of the given directions without a word, until heal() of equal directions. Throws
    /// std::runtime_error when `ip` fails.
    void cut(const std::vector<Direction>& directions);
    /// Ends a cut. Throws std::runtime_error when `ip` fails.
    void heal(const std::vector<Direction>& directions);
    /// Holds back packets of the given directions as the fault says, until ease() of equal directions. The first node
    /// of the fault is the slow node. Only a single shape at a time.
    void slow(const std::vector<Direction>& directions, const Fault& fault);
    /// Ends slow(). Packets still held back are dropped.
    void ease(const std::vector<Direction>& directions);
    /// Empty when slow() is possible here, otherwise the reason against.
    [[nodiscard]] const std::string& cannot_slow() const { return cannot_slow_; }

private:
    explicit PrivateNetwork(const cli::Signals& signals) : signals_(signals) {}
    /// Makes the router, the nodes and the relay's device. Called once, by make().
    void build(std::uint32_t nodes);
    /// Makes the namespace of a node and the veth pair to the router.
    void add_node(std::uint32_t node);
    /// Opens the tun device, or sets cannot_slow_.
    void prepare_relay();
    /// Runs `commands`, each on a line, by a single call of `ip`. Throws std::runtime_error with the output of `ip`.
    void configure(const std::string& commands);

    const cli::Signals& signals_;
    cli::ScratchDirectory scratch_;
    /// The router's namespace.
    Descriptor router_;
    /// The namespaces of the nodes, node 1 first.
    std::vector<Descriptor> nodes_;
    Descriptor tun_;
    /// Present between slow() and ease().
    std::unique_ptr<PacketRelay> relay_;
    std::string cannot_slow_;
};

}  // namespace tulle::chaos
