#pragma once

#include <string>
#include <vector>

namespace tulle::chaos {

/// A WebSocket client that subscribes and then reads nothing until destroyed, with the smallest receive buffer of the
/// system. A node must bear such a client without harm to other clients.
///
/// Thread: one thread. The constructor blocks until the connection stands or fails, and then up to a second for the
///         answer of the node.
/// Errors: a node out of reach, or without an answer within a second, leaves the client without effect.
class SlowClient {
public:
    /// `listen` is an IPv4 HOST:PORT. Subscribes to the given names of public channels.
    SlowClient(const std::string& listen, const std::string& app_key, const std::vector<std::string>& channels);
    SlowClient(const SlowClient&) = delete;
    SlowClient& operator=(const SlowClient&) = delete;
    ~SlowClient();

private:
    /// Sends a text frame, cut to 125 bytes.
    void send_text(const std::string& text) const;

    int fd_ = -1;
};

}  // namespace tulle::chaos
