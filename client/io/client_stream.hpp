#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/websocket/teardown.hpp>

#include "client/io/server_trust.hpp"

namespace tulle::client {

/// A handler of a read or a write, whatever its type. Without this class every operation of Beast would be compiled
/// twice, for TCP and for TLS. boost::asio::any_completion_handler would do, but post() of Boost 1.81 does not take the
/// executor of such a handler.
///
/// Called once. Costs one allocation. The cancellation slot and the allocator of the handler are not passed on.
class TransferHandler {
public:
    using Error = boost::system::error_code;

    template <class Handler>
    explicit TransferHandler(Handler handler) : call_(std::make_unique<Call<Handler>>(std::move(handler))) {}

    void operator()(Error error, std::size_t bytes) {
        // Whatever the handler owns, this object perhaps, may end within the call.
        const std::unique_ptr<AnyCall> call = std::move(call_);
        call->run(error, bytes);
    }

private:
    struct AnyCall {
        virtual ~AnyCall() = default;
        virtual void run(Error error, std::size_t bytes) = 0;
    };
    template <class Handler>
    struct Call final : AnyCall {
        explicit Call(Handler taken) : handler(std::move(taken)) {}
        void run(Error error, std::size_t bytes) override { handler(error, bytes); }
        Handler handler;
    };

    std::unique_ptr<AnyCall> call_;
};

/// A TCP connection to a server, with TLS if wanted: an AsyncStream of Asio in both cases. Time-outs are those of
/// tcp().
///
/// Thread: that of the io_context.
/// Ownership: refers to `trust`, which must outlive the stream.
class ClientStream {
public:
    using executor_type = boost::beast::tcp_stream::executor_type;
    using Error = boost::system::error_code;

    /// `trust`: null for a plain connection. `host`: the host of the URL, which the server's certificate must name.
    ClientStream(boost::asio::io_context& io, ServerTrust* trust, std::string host) : tcp_(io), host_(std::move(host)) {
        if (trust != nullptr) {
            tls_.emplace(tcp_, trust->context());
            expect_host(tls_->native_handle(), host_);
        }
    }
    ClientStream(const ClientStream&) = delete;
    ClientStream& operator=(const ClientStream&) = delete;

    [[nodiscard]] executor_type get_executor() { return tcp_.get_executor(); }
    [[nodiscard]] boost::beast::tcp_stream& tcp() { return tcp_; }
    [[nodiscard]] bool is_secured() const { return tls_.has_value(); }

    /// Shakes hands; a plain connection is done at once. Call when tcp() is connected. The handler has the argument
    /// (error_code).
    template <class Token>
    auto async_handshake(Token&& token) {
        return boost::asio::async_initiate<Token, void(Error)>(
            [this](auto handler) {
                if (tls_) {
                    tls_->async_handshake(boost::asio::ssl::stream_base::client, std::move(handler));
                } else {
                    boost::asio::post(get_executor(), [handler = std::move(handler)]() mutable { handler(Error{}); });
                }
            },
            token);
    }
    /// The reason of a failed handshake in words.
    [[nodiscard]] std::string why(const Error& error) {
        return tls_ ? handshake_failure(tls_->native_handle(), host_, error) : error.message();
    }

    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        return boost::asio::async_initiate<Token, void(Error, std::size_t)>(
            [this](auto handler, const auto& into) {
                if (tls_) {
                    tls_->async_read_some(into, erased(std::move(handler)));
                } else {
                    tcp_.async_read_some(into, erased(std::move(handler)));
                }
            },
            token, buffers);
    }

    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        return boost::asio::async_initiate<Token, void(Error, std::size_t)>(
            [this](auto handler, const auto& from) {
                if (tls_) {
                    tls_->async_write_some(from, erased(std::move(handler)));
                } else {
                    tcp_.async_write_some(from, erased(std::move(handler)));
                }
            },
            token, buffers);
    }

private:
    /// The handler without its type, with its executor.
    template <class Handler>
    [[nodiscard]] auto erased(Handler handler) {
        boost::asio::any_io_executor executor = boost::asio::get_associated_executor(handler, get_executor());
        return boost::asio::bind_executor(std::move(executor), TransferHandler(std::move(handler)));
    }

    boost::beast::tcp_stream tcp_;
    std::string host_;
    /// Nothing for a plain connection.
    std::optional<boost::asio::ssl::stream<boost::beast::tcp_stream&>> tls_;
};

/// Called by Beast when the WebSocket has ended: the server closes the TCP connection after its Close frame, and what
/// comes before that is thrown away.
template <class Handler>
void async_teardown(boost::beast::role_type role, ClientStream& stream, Handler&& handler) {
    using boost::beast::websocket::async_teardown;
    async_teardown(role, stream.tcp(), std::forward<Handler>(handler));
}

/// Called by Beast when the connection is to be closed without delay.
inline void beast_close_socket(ClientStream& stream) {
    stream.tcp().close();
}

}  // namespace tulle::client
