#pragma once

#include <string>
#include <string_view>

#include "mesh/base/time.hpp"

namespace tulle::node {

/// Tells systemd how the service is: sd_notify(3), in the few lines that its page "Standalone Implementations" has
/// instead of a library that every process of the node would carry. A node that no service manager has started
/// (NOTIFY_SOCKET is not set) tells nobody.
///
/// Thread: the main thread.
/// Errors: none. A manager that cannot be reached misses a message.
class ServiceManager {
public:
    /// Reads NOTIFY_SOCKET.
    ServiceManager();
    ~ServiceManager();
    ServiceManager(const ServiceManager&) = delete;
    ServiceManager& operator=(const ServiceManager&) = delete;

    /// The node listens on all its addresses.
    void ready() const { tell("READY=1"); }
    /// A line for `systemctl status`.
    void status(std::string_view text) const { tell("STATUS=" + std::string(text)); }
    /// The node has begun to stop.
    void stopping() const { tell("STOPPING=1"); }
    /// The node needs no more than `longer` from now on. Without this word systemd kills a service after
    /// TimeoutStopSec.
    void extend(Duration longer) const;

private:
    void tell(std::string_view message) const;

    /// -1 without a manager.
    int socket_ = -1;
};

}  // namespace tulle::node
