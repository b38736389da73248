#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "client/wire/server_url.hpp"
#include "mesh/base/time.hpp"

namespace tulle::client {

enum class ExchangeOutcome : std::uint8_t {
    kAnswered,
    kNotSent,     ///< the server cannot have the whole request
    kUnanswered,  ///< wholly written, but no complete answer came
};

struct Exchange {
    ExchangeOutcome outcome = ExchangeOutcome::kNotSent;
    int status = 0;     ///< when answered
    std::string body;   ///< when answered
    std::string error;  ///< when not
};

/// A blocking HTTP/1.1 client for one server that keeps its connection. A connection that the server has closed
/// meanwhile is noticed before the request is written, and made anew.
///
/// Thread: one at a time.
/// Limits: `timeout` for a whole exchange (not for looking up a name); an answer has at most `max_body` bytes of body.
/// Errors: all in the Exchange; nothing throws but std::bad_alloc.
class HttpConnection {
public:
    static constexpr std::size_t kMaxBody = std::size_t{1} << 20;

    HttpConnection(ServerUrl server, Duration timeout, std::size_t max_body = kMaxBody);
    HttpConnection(const HttpConnection&) = delete;
    HttpConnection& operator=(const HttpConnection&) = delete;
    ~HttpConnection();

    [[nodiscard]] const ServerUrl& server() const;
    /// `request` is a complete HTTP/1.1 request.
    [[nodiscard]] Exchange exchange(std::string request);

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace tulle::client
