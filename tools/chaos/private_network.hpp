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

/// A network of this process's own, in which each node has a network namespace for itself and this process is the
/// router between them: it reaches every node whatever is done to what nodes send to each other. Made of user and
/// network namespaces, so that no privilege is needed where the system allows them to everybody. Nothing outside is
/// touched, and all is gone with the process.
///
/// Addresses: node N is 10.251.N.2, the router is 10.251.N.1 to it. IPv4 only. Limit: 250 nodes.
/// Thread:    the main one. It must be the only one when a network is made, as the system demands.
class PrivateNetwork {
public:
    /// Leaves the namespaces that this process is in, for ever. When the system does not allow it nothing is changed,
    /// or this process is left on a loopback of its own; nothing is returned then, and `reason` says why.
    [[nodiscard]] static std::unique_ptr<PrivateNetwork> make(std::uint32_t nodes, const cli::Signals& signals,
                                                              std::string& reason);
    PrivateNetwork(const PrivateNetwork&) = delete;
    PrivateNetwork& operator=(const PrivateNetwork&) = delete;
    ~PrivateNetwork();

    [[nodiscard]] static std::string address(std::uint32_t node);
    /// One of the router's, which every node reaches.
    [[nodiscard]] static std::string router_address() { return "10.251.1.1"; }

    /// What this thread starts or opens as long as this lives belongs to the namespace of the node.
    class Inside {
    public:
        Inside(const PrivateNetwork& network, std::uint32_t node);
        Inside(const Inside&) = delete;
        Inside& operator=(const Inside&) = delete;
        ~Inside();

    private:
        const PrivateNetwork& network_;
    };

    /// Drops without a word what goes there, until heal() of the same. Throws std::runtime_error when it can't.
    void cut(const std::vector<Direction>& directions);
    void heal(const std::vector<Direction>& directions);
    /// Holds back what goes there, until ease() of the same. One shape at a time.
    void slow(const std::vector<Direction>& directions, const Fault& fault);
    void ease(const std::vector<Direction>& directions);
    /// Empty when slow() can be done, else why not.
    [[nodiscard]] const std::string& cannot_slow() const { return cannot_slow_; }

private:
    explicit PrivateNetwork(const cli::Signals& signals) : signals_(signals) {}
    void build(std::uint32_t nodes);
    void add_node(std::uint32_t node);
    void prepare_relay();
    /// Runs the commands by one call of `ip`. Throws std::runtime_error with what it says.
    void configure(const std::string& commands);

    const cli::Signals& signals_;
    cli::ScratchDirectory scratch_;
    Descriptor router_;
    std::vector<Descriptor> nodes_;
    Descriptor tun_;
    std::unique_ptr<PacketRelay> relay_;
    std::string cannot_slow_;
};

}  // namespace tulle::chaos
