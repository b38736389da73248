#include "mesh/io/endpoint_checks.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace tulle::mesh {

EndpointChecks::~EndpointChecks() {
    for (const auto& [connection, check] : checks_) {
        close(check.fd);
    }
}

void EndpointChecks::start(Instant now, ConnectionId connection, const NumericAddress& address,
                           std::vector<Input>& out) {
    if (checks_.contains(connection)) {
        return;
    }
    const int fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        // Without a descriptor there is no answer, and the core draws no conclusion.
        return;
    }
    // Also after an immediate success the answer comes from collect(), so all answers take one path.
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size) == 0 || errno == EINPROGRESS) {
        checks_.emplace(connection, Check{fd, now + kPatience});
        try {
            ready_.add_writable(fd, token_);
        } catch (const std::system_error&) {
            // Without a place in the epoll the result is seen by a later collect(), at the latest after kPatience.
        }
        return;
    }
    // A connect to this host may fail at once.
    const EndpointState state = errno == ECONNREFUSED ? EndpointState::kRefused : EndpointState::kUnknown;
    close(fd);
    out.push_back(EndpointChecked{connection, state});
}

void EndpointChecks::cancel(ConnectionId connection) {
    if (const auto found = checks_.find(connection); found != checks_.end()) {
        close(found->second.fd);
        checks_.erase(found);
    }
}

void EndpointChecks::collect(Instant now, std::vector<Input>& out) {
    for (auto it = checks_.begin(); it != checks_.end();) {
        // Asked one by one: checks are few, and a check without a place in the epoll must be found too.
        pollfd ready{.fd = it->second.fd, .events = POLLOUT, .revents = 0};
        const bool done = ::poll(&ready, 1, 0) == 1;
        if (!done && now < it->second.give_up_at) {
            ++it;
            continue;
        }
        EndpointState state = EndpointState::kUnknown;
        // A writable socket is either connected or failed; SO_ERROR tells the two apart.
        if (done) {
            int error = 0;
            socklen_t size = sizeof error;
            getsockopt(it->second.fd, SOL_SOCKET, SO_ERROR, &error, &size);
            if (error == 0) {
                state = EndpointState::kOpen;
            } else if (error == ECONNREFUSED) {
                state = EndpointState::kRefused;
            }
        }
        close(it->second.fd);
        out.push_back(EndpointChecked{it->first, state});
        it = checks_.erase(it);
    }
}

}  // namespace tulle::mesh
