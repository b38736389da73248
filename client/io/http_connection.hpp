#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "client/io/server_trust.hpp"
#include "client/wire/server_url.hpp"
#include "mesh/base/time.hpp"

namespace tulle::client {

/// The fate of a request. The difference between kNotSent and kUnanswered decides about a second try elsewhere.
enum class ExchangeOutcome : std::uint8_t {
    /// A complete answer has come.
    kAnswered,
    /// The server cannot have received the whole request.
    kNotSent,
    /// The request was written completely, but no complete answer came.
    kUnanswered,
};

/// A request's outcome, and the answer if an answer came.
struct Exchange {
    ExchangeOutcome outcome = ExchangeOutcome::kNotSent;
    /// The HTTP status of an answer.
    int status = 0;
    /// The body of an answer.
    std::string body;
    /// The reason in words, without an answer.
    std::string error;
    /// The answer is an error, and yet an event was delivered: fewer nodes hold the event than wanted (Tulle-Copies),
    /// and the answer does not ask for a repetition (Retry-After).
    bool is_delivered = false;
};

/// A blocking HTTP/1.1 client of one server, with a kept-alive connection. Before each request the connection is
/// checked: a connection closed by the server meanwhile is replaced before the request is written.
///
/// Thread: one call at a time.
/// Limits: `timeout` bounds the connecting together with the TLS handshake, and again the writing together with the
/// reading. The look-up of the host
///         name has no limit. An answer with more than `max_body` bytes of body counts as no answer.
/// Errors: all in the Exchange. Nothing throws except std::bad_alloc.
class HttpConnection {
public:
    /// The default of `max_body`: ample for the HTTP API's small answers, and a bound for a misbehaving server.
    static constexpr std::size_t kMaxBody = std::size_t{1} << 20;

    /// Connects to nothing yet. `timeout` is positive. `unix_socket`: the path of a Unix socket that leads to the
    /// server; empty: TCP. `trust` must not be null for a server with TLS.
    HttpConnection(ServerUrl server, Duration timeout, std::size_t max_body = kMaxBody, std::string unix_socket = {},
                   std::shared_ptr<ServerTrust> trust = nullptr);
    HttpConnection(const HttpConnection&) = delete;
    HttpConnection& operator=(const HttpConnection&) = delete;
    ~HttpConnection();

    [[nodiscard]] const ServerUrl& server() const;
    /// Sends a complete HTTP/1.1 request and waits for the answer.
    [[nodiscard]] Exchange exchange(std::string request);

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace tulle::client
