#include "tools/chaos/private_network.hpp"

// How the network is made. The process leaves its user and network namespaces; the new network namespace is the router.
// For each node the process enters a further new namespace, keeps a descriptor of the namespace, and returns. A veth
// pair joins the node to the router. Descriptors instead of names keep the namespaces alive: names in /run/netns would
// outlive a killed process.
//
// How faults are made. A cut is a routing rule of the router: packets from A to B go to a black hole. A slow direction
// is a rule that sends packets to a routing table of its own, with a tun device as the only route; PacketRelay holds
// the packets back and writes the packets to the device again.
#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <system_error>

#include "mesh/base/assert.hpp"
#include "tools/cli/child.hpp"

namespace tulle::chaos {
namespace {

/// Where distributions keep the program `ip`.
constexpr std::array<const char*, 3> kPrograms{"/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip"};
/// Within a byte: a node's number is the third byte of an address.
constexpr std::uint32_t kMostNodes = 250;
/// The name of the tun device in the router's namespace.
constexpr const char* kRelayDevice = "relay";
/// The number of the routing table that leads into the relay.
constexpr const char* kRelayTable = "100";
/// TUNSETIFF, and IFF_TUN with IFF_NO_PI, as in linux/if_tun.h.
constexpr unsigned long kSetTunDevice = _IOW('T', 202, int);
constexpr short kTunWithoutHeader = 0x0001 | 0x1000;

/// The path of `ip`; null when the program is absent.
const char* find_ip() {
    for (const char* program : kPrograms) {
        if (::access(program, X_OK) == 0) {
            return program;
        }
    }
    return nullptr;
}

/// Throws the system's error, with errno as the last call left errno.
[[noreturn]] void fail(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
}

/// Writes an existing file of /proc at once, as the kernel demands.
void write_file(const std::string& path, const std::string& text) {
    const Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (file.get() < 0 || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        fail(path);
    }
}

/// Leaves the namespaces with a user namespace where the system allows user namespaces, otherwise by the privilege to
/// do without.
void leave_namespaces() {
    const std::string uid = std::to_string(::geteuid());
    const std::string gid = std::to_string(::getegid());
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0) {
        // The kernel demands "deny" before an unprivileged process may map groups.
        write_file("/proc/self/setgroups", "deny");
        // The user becomes root inside: a program started as anybody else would have no right to configure the network.
        write_file("/proc/self/uid_map", "0 " + uid + " 1");
        write_file("/proc/self/gid_map", "0 " + gid + " 1");
    } else if (::unshare(CLONE_NEWNET) != 0) {
        fail("unshare");
    }
}

/// Brings up the loopback of the namespace in which this thread is. A new namespace has loopback down.
void bring_loopback_up() {
    const Descriptor fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP;
    if (::ioctl(fd.get(), SIOCSIFFLAGS, &request) != 0) {
        fail("loopback");
    }
}

/// A descriptor that keeps the namespace of this thread alive.
Descriptor current_namespace() {
    Descriptor fd(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    if (fd.get() < 0) {
        fail("/proc/self/ns/net");
    }
    return fd;
}

/// The selector of a routing rule for a direction.
std::string between(const Direction& direction) {
    return "from " + PrivateNetwork::address(direction.first) + " to " + PrivateNetwork::address(direction.second);
}

}  // namespace

std::unique_ptr<PrivateNetwork> PrivateNetwork::make(std::uint32_t nodes, const cli::Signals& signals,
                                                     std::string& reason) {
    if (find_ip() == nullptr || nodes > kMostNodes) {
        reason = find_ip() == nullptr ? "the program ip is not there" : "too many nodes";
        return nullptr;
    }
    std::unique_ptr<PrivateNetwork> network(new PrivateNetwork(signals));
    try {
        // From here on the process cannot return. A failure leaves the process on a loopback that is up or down, and
        // the caller goes on there.
        leave_namespaces();
        bring_loopback_up();
        network->build(nodes);
    } catch (const std::exception& error) {
        reason = error.what();
        return nullptr;
    }
    return network;
}

PrivateNetwork::~PrivateNetwork() = default;

std::string PrivateNetwork::address(std::uint32_t node) {
    return "10.251." + std::to_string(node) + ".2";
}

void PrivateNetwork::build(std::uint32_t nodes) {
    router_ = current_namespace();
    write_file("/proc/sys/net/ipv4/ip_forward", "1");
    // Packets from the relay come in by another device than packets from the source, so the check of the return path
    // would drop the packets.
    write_file("/proc/sys/net/ipv4/conf/all/rp_filter", "0");
    write_file("/proc/sys/net/ipv4/conf/default/rp_filter", "0");
    for (std::uint32_t node = 1; node <= nodes; ++node) {
        add_node(node);
    }
    prepare_relay();
}

void PrivateNetwork::add_node(std::uint32_t node) {
    const std::string prefix = "10.251." + std::to_string(node);
    const std::string device = "v" + std::to_string(node);
    // The thread is in the new namespace until an Inside returns the thread to the router's.
    if (::unshare(CLONE_NEWNET) != 0) {
        fail("unshare of a node");
    }
    nodes_.push_back(current_namespace());
    {
        const Inside inside(*this, node);
        bring_loopback_up();
        // The peer is made straight into the router's namespace, named by a descriptor of this process.
        configure("link add eth0 type veth peer name " + device + " netns /proc/" + std::to_string(::getpid()) +
                  "/fd/" + std::to_string(router_.get()) + "\naddr add " + prefix +
                  ".2/30 dev eth0\nlink set eth0 up\nroute add default via " + prefix + ".1\n");
    }
    // Back in the router's namespace: the destructor of Inside has returned the thread.
    configure("addr add " + prefix + ".1/30 dev " + device + "\nlink set " + device + " up\n");
}

void PrivateNetwork::prepare_relay() {
    tun_ = Descriptor(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
    ifreq request{};
    std::strcpy(request.ifr_name, kRelayDevice);
    request.ifr_flags = kTunWithoutHeader;
    if (tun_.get() < 0 || ::ioctl(tun_.get(), kSetTunDevice, &request) != 0) {
        cannot_slow_ = std::string("/dev/net/tun: ") + std::strerror(errno);
        return;
    }
    // The relay's table has the device as the only route. No rule leads there until slow().
    const std::string device = kRelayDevice;
    configure("link set " + device + " up\nroute add default dev " + device + " table " + kRelayTable + "\n");
}

void PrivateNetwork::cut(const std::vector<Direction>& directions) {
    std::string commands;
    for (const Direction& direction : directions) {
        commands += "rule add " + between(direction) + " blackhole\n";
    }
    configure(commands);
}

void PrivateNetwork::heal(const std::vector<Direction>& directions) {
    std::string commands;
    for (const Direction& direction : directions) {
        commands += "rule del " + between(direction) + " blackhole\n";
    }
    configure(commands);
}

void PrivateNetwork::slow(const std::vector<Direction>& directions, const Fault& fault) {
    relay_ = std::make_unique<PacketRelay>(tun_.get(), address(fault.nodes.front()),
                                           Shape{fault.delay, fault.jitter, fault.rate});
    std::string commands;
    for (const Direction& direction : directions) {
        // The rule holds only for packets on the way in from the sender: packets from the relay come in by the tun
        // device, and must go on to the receiver.
        commands += "rule add " + between(direction) + " iif v" + std::to_string(direction.first) + " lookup " +
                    kRelayTable + "\n";
    }
    configure(commands);
}

void PrivateNetwork::ease(const std::vector<Direction>& directions) {
    std::string commands;
    for (const Direction& direction : directions) {
        commands += "rule del " + between(direction) + " iif v" + std::to_string(direction.first) + " lookup " +
                    kRelayTable + "\n";
    }
    configure(commands);
    // The rules are gone, so no new packet reaches the relay.
    relay_.reset();
}

void PrivateNetwork::configure(const std::string& commands) {
    // A single batch makes all directions of a cut take effect close together.
    const std::string path = scratch_.path() + "/ip";
    std::ofstream(path, std::ios::trunc) << commands;
    cli::Child child(find_ip(), {"-batch", path}, signals_, false);
    int status = 0;
    ::waitpid(child.pid(), &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        std::string said;
        for (const std::string& line : child.read_lines()) {
            said += " " + line;
        }
        throw std::runtime_error("ip failed:" + said);
    }
}

PrivateNetwork::Inside::Inside(const PrivateNetwork& network, std::uint32_t node) : network_(network) {
    const int fd = network.nodes_.at(node - 1).get();
    if (::setns(fd, CLONE_NEWNET) != 0) {
        fail("the namespace of a node");
    }
}

PrivateNetwork::Inside::~Inside() {
    const bool is_back = ::setns(network_.router_.get(), CLONE_NEWNET) == 0;
    TULLE_ASSERT(is_back);
}

}  // namespace tulle::chaos
