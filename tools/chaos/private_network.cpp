#include "tools/chaos/private_network.hpp"

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

constexpr std::array<const char*, 3> kPrograms{"/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip"};
constexpr std::uint32_t kMostNodes = 250;
constexpr const char* kRelayDevice = "relay";
/// The routing table that leads into the relay.
constexpr const char* kRelayTable = "100";
/// As in linux/if_tun.h.
constexpr unsigned long kSetTunDevice = _IOW('T', 202, int);
constexpr short kTunWithoutHeader = 0x0001 | 0x1000;

const char* find_ip() {
    for (const char* program : kPrograms) {
        if (::access(program, X_OK) == 0) {
            return program;
        }
    }
    return nullptr;
}

[[noreturn]] void fail(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
}

void write_file(const std::string& path, const std::string& text) {
    const Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (file.get() < 0 || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        fail(path);
    }
}

/// With a user namespace where that is allowed, otherwise with the privilege to do without.
void leave_namespaces() {
    const std::string uid = std::to_string(::geteuid());
    const std::string gid = std::to_string(::getegid());
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0) {
        write_file("/proc/self/setgroups", "deny");
        // To root in there: a program started as anybody else would have no right to configure the network.
        write_file("/proc/self/uid_map", "0 " + uid + " 1");
        write_file("/proc/self/gid_map", "0 " + gid + " 1");
    } else if (::unshare(CLONE_NEWNET) != 0) {
        fail("unshare");
    }
}

/// Of the namespace that this thread is in.
void bring_loopback_up() {
    const Descriptor fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP;
    if (::ioctl(fd.get(), SIOCSIFFLAGS, &request) != 0) {
        fail("loopback");
    }
}

Descriptor current_namespace() {
    Descriptor fd(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    if (fd.get() < 0) {
        fail("/proc/self/ns/net");
    }
    return fd;
}

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
    // What comes out of the relay comes from where its source is not.
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
    if (::unshare(CLONE_NEWNET) != 0) {
        fail("unshare of a node");
    }
    nodes_.push_back(current_namespace());
    {
        const Inside inside(*this, node);
        bring_loopback_up();
        configure("link add eth0 type veth peer name " + device + " netns /proc/" + std::to_string(::getpid()) +
                  "/fd/" + std::to_string(router_.get()) + "\naddr add " + prefix +
                  ".2/30 dev eth0\nlink set eth0 up\nroute add default via " + prefix + ".1\n");
    }
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
        // Only on the way in: what the relay gives back comes from another device.
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
    relay_.reset();
}

void PrivateNetwork::configure(const std::string& commands) {
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
