#include "client/io/http_connection.hpp"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <iterator>
#include <optional>
#include <utility>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include "client/io/client_stream.hpp"

namespace tulle::client {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Tcp = asio::ip::tcp;

/// The most bytes read ahead of the parser.
constexpr std::size_t kBufferBytes = std::size_t{64} << 10;

Exchange failed(ExchangeOutcome outcome, const std::string& during, const beast::error_code& error) {
    return Exchange{outcome, 0, {}, during + ": " + error.message()};
}

}  // namespace

/// One exchange is one coroutine, run to its end by the calling thread. The io_context works only during the call, so
/// no thread is needed and no callback outlives an exchange.
class HttpConnection::Impl {
public:
    Impl(ServerUrl server, Duration timeout, std::size_t max_body, std::string unix_socket,
         std::shared_ptr<ServerTrust> trust)
        : server_(std::move(server)),
          timeout_(timeout),
          max_body_(max_body),
          unix_socket_(std::move(unix_socket)),
          trust_(std::move(trust)) {}

    [[nodiscard]] const ServerUrl& server() const { return server_; }

    Exchange run(std::string request) {
        Exchange result;
        // The io_context has stopped at the end of the exchange before.
        io_.restart();
        asio::co_spawn(io_, exchange(std::move(request)), [&result](const std::exception_ptr& failure, Exchange value) {
            if (failure) {
                std::rethrow_exception(failure);
            }
            result = std::move(value);
        });
        io_.run();
        return result;
    }

private:
    asio::awaitable<Exchange> exchange(std::string request) {
        beast::error_code error;
        if (!still_open()) {
            std::string during = co_await connect(error);
            if (error) {
                stream_.reset();
                co_return failed(ExchangeOutcome::kNotSent, during, error);
            }
            if (stream_->is_secured()) {
                co_await stream_->async_handshake(asio::redirect_error(asio::use_awaitable, error));
            }
            if (error) {
                Exchange refused{ExchangeOutcome::kNotSent, 0, {}, stream_->why(error)};
                stream_.reset();
                co_return refused;
            }
        }
        // One deadline covers the writing and the reading of the answer.
        stream_->tcp().expires_after(timeout_);
        const std::size_t written = co_await asio::async_write(*stream_, asio::buffer(request),
                                                               asio::redirect_error(asio::use_awaitable, error));
        if (error) {
            stream_.reset();
            // The server may act on a completely written request even after an error.
            const bool whole = written == request.size();
            co_return failed(whole ? ExchangeOutcome::kUnanswered : ExchangeOutcome::kNotSent, "cannot write", error);
        }
        co_return co_await answer();
    }

    /// Returns the failed step in words, for use when `error` is set.
    asio::awaitable<std::string> connect(beast::error_code& error) {
        if (!unix_socket_.empty()) {
            connect_unix(error);
            co_return "cannot connect to " + unix_socket_;
        }
        Tcp::resolver resolver(io_);
        const auto results = co_await resolver.async_resolve(server_.host, server_.port,
                                                             asio::redirect_error(asio::use_awaitable, error));
        if (error) {
            co_return "cannot resolve " + server_.host;
        }
        stream_.emplace(io_, server_.is_tls ? trust_.get() : nullptr, server_.host);
        stream_->tcp().expires_after(timeout_);
        co_await stream_->tcp().async_connect(results, asio::redirect_error(asio::use_awaitable, error));
        if (!error) {
            beast::error_code ignored;
            // Small requests must not wait for the acknowledgement of earlier packets.
            stream_->tcp().socket().set_option(Tcp::no_delay(true), ignored);
        }
        co_return "cannot connect to " + server_.authority();
    }

    /// A Unix socket is connected at once or not at all: a listener with a full queue refuses. The stream then serves
    /// the connection like a TCP connection, because only addresses depend on the family.
    void connect_unix(beast::error_code& error) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::copy_n(unix_socket_.begin(), std::min(unix_socket_.size(), sizeof(address.sun_path) - 1),
                    std::begin(address.sun_path));
        const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (descriptor < 0 ||
            ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
            error.assign(errno, boost::system::system_category());
            if (descriptor >= 0) {
                ::close(descriptor);
            }
            return;
        }
        stream_.emplace(io_, nullptr, server_.host);
        stream_->tcp().socket().assign(Tcp::v4(), descriptor, error);
    }

    /// Reads one answer. The connection is kept for the next request only after a complete answer with keep-alive.
    asio::awaitable<Exchange> answer() {
        beast::error_code error;
        beast::flat_buffer buffer(kBufferBytes);
        http::response_parser<http::string_body> parser;
        parser.body_limit(max_body_);
        co_await http::async_read(*stream_, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
        if (error) {
            stream_.reset();
            co_return failed(ExchangeOutcome::kUnanswered, "no answer", error);
        }
        // Bytes behind the answer belong to no request: the server is out of step.
        if (!parser.keep_alive() || buffer.size() > 0) {
            stream_.reset();
        } else {
            // An idle connection has no deadline.
            stream_->tcp().expires_never();
        }
        http::response<http::string_body> response = parser.release();
        const auto status = static_cast<int>(response.result_int());
        const bool is_delivered =
            status >= 500 && response.count("Tulle-Copies") > 0 && response.count(http::field::retry_after) == 0;
        co_return Exchange{ExchangeOutcome::kAnswered, status, std::move(response.body()), {}, is_delivered};
    }

    /// False for a connection unfit for another request. Between two exchanges the server has nothing to send, so any
    /// bytes or an end of the stream make the connection useless.
    bool still_open() {
        if (!stream_) {
            return false;
        }
        Tcp::socket& socket = stream_->tcp().socket();
        beast::error_code error;
        char byte = 0;
        socket.non_blocking(true, error);
        // A peek without waiting: "would block" is the only sign of a quiet, open connection.
        socket.receive(asio::buffer(&byte, 1), Tcp::socket::message_peek, error);
        if (error != asio::error::would_block) {
            stream_.reset();
            return false;
        }
        return true;
    }

    ServerUrl server_;
    Duration timeout_;
    std::size_t max_body_;
    /// Empty for TCP.
    std::string unix_socket_;
    std::shared_ptr<ServerTrust> trust_;
    asio::io_context io_{1};
    std::optional<ClientStream> stream_;
};

HttpConnection::HttpConnection(ServerUrl server, Duration timeout, std::size_t max_body, std::string unix_socket,
                               std::shared_ptr<ServerTrust> trust)
    : impl_(std::make_unique<Impl>(std::move(server), timeout, max_body, std::move(unix_socket), std::move(trust))) {}

HttpConnection::~HttpConnection() = default;

const ServerUrl& HttpConnection::server() const {
    return impl_->server();
}

Exchange HttpConnection::exchange(std::string request) {
    return impl_->run(std::move(request));
}

}  // namespace tulle::client
