#pragma once

#include <string>

#include "client/io/http_connection.hpp"
#include "client/wire/signing.hpp"
#include "tools/chaos/load.hpp"

namespace tulle::chaos {

/// Signed calls of one node's HTTP API. Thread: one at a time. Errors: in the Exchange; the constructor throws
/// std::invalid_argument for what is no address.
class Api {
public:
    Api(const Target& target, Duration timeout);

    /// `path` without "/apps/ID", "/channels" for instance; no query.
    [[nodiscard]] client::Exchange get(const std::string& path);
    [[nodiscard]] client::Exchange post(const std::string& path, const std::string& body);

private:
    [[nodiscard]] client::Exchange call(const std::string& method, const std::string& path, const std::string& body);

    client::AppCredentials app_;
    client::HttpConnection connection_;
};

}  // namespace tulle::chaos
