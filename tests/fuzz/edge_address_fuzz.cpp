// Addresses as text, of nodes and of servers.
#include <cstdint>
#include <string>
#include <string_view>

#include "client/wire/server_url.hpp"
#include "mesh/base/assert.hpp"
#include "node/core/address.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto address = tulle::node::parse_address(text)) {
        TULLE_ASSERT(!address->host.empty());
        TULLE_ASSERT(tulle::node::parse_address(tulle::node::to_string(*address)) == address);
        static_cast<void>(address->is_loopback());
    }
    for (const std::string_view scheme : {"ws", "http"}) {
        if (const auto url = tulle::client::parse_server_url(text, scheme)) {
            const std::string given = std::string(scheme) + (url->is_tls ? "s://" : "://");
            const auto again = tulle::client::parse_server_url(given + url->authority() + url->prefix, scheme);
            TULLE_ASSERT(again && *again == *url);
            const std::string target = tulle::client::websocket_target(*url, text, "1");
            TULLE_ASSERT(target.front() == '/' && target.find_first_of(" \r\n") == std::string::npos);
        }
    }
    return 0;
}
