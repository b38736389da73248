#include "tools/chaos/resets.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "tools/chaos/descriptor.hpp"
#include "tools/cli/child.hpp"

namespace tulle::chaos {
namespace {

/// From iproute2, as installed by Debian.
constexpr const char* kProgram = "/usr/bin/ss";
/// A reset on loopback arrives within this time if at all.
constexpr int kPatienceMs = 200;

}  // namespace

void reset_connections(const std::vector<std::uint16_t>& ports, const cli::Signals& signals) {
    // `ss` resets every socket that matches the filter: here established TCP over IPv4, by local port.
    std::string filter;
    for (const std::uint16_t port : ports) {
        filter += (filter.empty() ? "sport = :" : " or sport = :") + std::to_string(port);
    }
    const cli::Child child(kProgram, {"-K", "-H", "-t", "-n", "-4", "( " + filter + " )"}, signals, false);
    ::waitpid(child.pid(), nullptr, 0);
}

bool can_reset_connections(const cli::Signals& signals) {
    if (::access(kProgram, X_OK) != 0) {
        return false;
    }
    // A connection of this process to itself serves as the test, as `ss -K` succeeds silently on a kernel without
    // support.
    const Descriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const Descriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
        ::listen(listener.get(), 1) != 0 ||
        ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
        ::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) {
        return false;
    }
    const Descriptor server(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    reset_connections({ntohs(address.sin_port)}, signals);
    pollfd end{client.get(), POLLIN, 0};
    return ::poll(&end, 1, kPatienceMs) == 1 && (end.revents & (POLLERR | POLLHUP)) != 0;
}

}  // namespace tulle::chaos
