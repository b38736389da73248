#include "client/io/client_config.hpp"

#include <chrono>
#include <stdexcept>

#include "client/wire/encryption.hpp"

namespace tulle::client {

ClientOptions checked(ClientOptions options) {
    if (options.app_key.empty()) {
        throw std::invalid_argument("tulle::Client: no app key");
    }
    // A time of zero would fire at once, again and again.
    const auto positive = [](std::chrono::milliseconds time) { return time > std::chrono::milliseconds::zero(); };
    if (!positive(options.connect_timeout) || !positive(options.activity_timeout) || !positive(options.pong_timeout) ||
        !positive(options.retry_delay_min) || options.retry_delay_max < options.retry_delay_min) {
        throw std::invalid_argument("tulle::Client: times must be positive, and retry_delay_min <= retry_delay_max");
    }
    if (options.max_message_bytes == 0 || options.max_queue_bytes == 0) {
        throw std::invalid_argument("tulle::Client: max_message_bytes and max_queue_bytes must be positive");
    }
    return options;
}

ConnectionConfig connection_config(const ClientOptions& options, std::size_t servers) {
    ConnectionConfig config;
    config.servers = servers;
    config.connect_timeout = options.connect_timeout;
    config.activity_timeout = options.activity_timeout;
    config.pong_timeout = options.pong_timeout;
    config.reconnect.delay_min = options.retry_delay_min;
    config.reconnect.delay_max = options.retry_delay_max;
    // The core cannot decrypt by itself: cryptography belongs to the wire layer.
    config.open_sealed = open_sealed;
    return config;
}

}  // namespace tulle::client
