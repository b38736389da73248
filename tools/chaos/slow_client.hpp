#pragma once

#include <string>
#include <vector>

namespace tulle::chaos {

/// A WebSocket client that subscribes and then reads nothing, with the smallest buffer that the system allows, until it
/// is destroyed. A node that cannot be reached, or does not answer within a second, leaves it without effect.
class SlowClient {
public:
    SlowClient(const std::string& listen, const std::string& app_key, const std::vector<std::string>& channels);
    SlowClient(const SlowClient&) = delete;
    SlowClient& operator=(const SlowClient&) = delete;
    ~SlowClient();

private:
    void send_text(const std::string& text) const;

    int fd_ = -1;
};

}  // namespace tulle::chaos
