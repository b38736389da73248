#pragma once

#include <string>

#include "client/io/http_connection.hpp"
#include "client/wire/signing.hpp"
#include "tools/chaos/load.hpp"

namespace tulle::chaos {

/// Signed calls of the HTTP API of a single node, as a backend makes them. Each call is signed with the app of the
/// target and with the wall clock of this machine.
///
/// Thread: one thread at a time.
/// Limits: `timeout` bounds each call. A call past the bound ends with an outcome in the Exchange.
/// Errors: calls never throw for a node that fails; the Exchange tells the outcome. The constructor throws
///         std::invalid_argument for a `listen` of another form than HOST:PORT.
class Api {
public:
    /// Opens no connection yet. `target` is copied.
    Api(const Target& target, Duration timeout);

    /// Calls `path` by GET. `path` leaves "/apps/ID" out ("/channels" for instance) and has no query. Blocks until the
    /// answer or the timeout.
    [[nodiscard]] client::Exchange get(const std::string& path);
    /// Calls `path` by POST with a JSON body. `path` as for get().
    [[nodiscard]] client::Exchange post(const std::string& path, const std::string& body);

private:
    /// Signs and sends a request of either method.
    [[nodiscard]] client::Exchange call(const std::string& method, const std::string& path, const std::string& body);

    client::AppCredentials app_;
    client::HttpConnection connection_;
};

}  // namespace tulle::chaos
