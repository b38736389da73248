#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/role.hpp>

#include "node/io/connection.hpp"

namespace tulle::node {

/// Where an OutboxStream puts what Beast writes, and shows what Beast reads.
class OutboxSink {
public:
    OutboxSink() = default;
    OutboxSink(const OutboxSink&) = delete;
    OutboxSink& operator=(const OutboxSink&) = delete;
    virtual ~OutboxSink() = default;

    /// A whole control frame or a whole handshake. Small: Beast writes no messages here, only we do.
    virtual void queue_control(std::string_view bytes) = 0;
    /// What has come from the peer, before Beast sees it.
    virtual void on_received(std::string_view bytes) = 0;
    /// Thrown by Beast or by what it called, between two steps of what it does: nothing more will come of that.
    virtual void on_exception(const std::exception& error) = 0;
};

/// The layer under Beast's WebSocket stream: reads from the socket, and writes into the connection's outbox as if that
/// were the socket, so that Beast's handshake and control frames and our own frames leave in one queue, each whole.
///
/// Thread: the reactor's. The sink must outlive the stream.
class OutboxStream {
public:
    using executor_type = Socket::executor_type;

    OutboxStream(Socket socket, OutboxSink& sink) : socket_(std::move(socket)), sink_(sink) {}

    [[nodiscard]] executor_type get_executor() { return socket_.get_executor(); }
    [[nodiscard]] Socket& socket() { return socket_; }

    template <class Buffers, class Handler>
    auto async_read_some(const Buffers& buffers, Handler&& handler) {
        return boost::asio::async_initiate<Handler, void(boost::system::error_code, std::size_t)>(
            ReadInitiation{this}, handler, buffers);
    }

    template <class Buffers, class Handler>
    auto async_write_some(const Buffers& buffers, Handler&& handler) {
        return boost::asio::async_initiate<Handler, void(boost::system::error_code, std::size_t)>(
            WriteInitiation{this}, handler, buffers);
    }

private:
    struct ReadInitiation {
        OutboxStream* stream;

        template <class Handler, class Buffers>
        void operator()(Handler&& handler, const Buffers& buffers) const {
            stream->socket_.async_read_some(
                buffers, [stream = stream, buffers, handler = std::forward<Handler>(handler)](
                             const boost::system::error_code& error, std::size_t bytes) mutable {
                    try {
                        stream->show(buffers, bytes);
                        handler(error, bytes);
                    } catch (const std::exception& thrown) {
                        stream->sink_.on_exception(thrown);
                    }
                });
        }
    };

    struct WriteInitiation {
        OutboxStream* stream;

        template <class Handler, class Buffers>
        void operator()(Handler&& handler, const Buffers& buffers) const {
            const std::size_t bytes = stream->queue(buffers);
            boost::asio::post(stream->get_executor(),
                              [stream = stream, bytes, handler = std::forward<Handler>(handler)]() mutable {
                                  try {
                                      handler(boost::system::error_code{}, bytes);
                                  } catch (const std::exception& thrown) {
                                      stream->sink_.on_exception(thrown);
                                  }
                              });
        }
    };

    template <class Buffers>
    void show(const Buffers& buffers, std::size_t bytes) {
        const auto end = boost::asio::buffer_sequence_end(buffers);
        for (auto at = boost::asio::buffer_sequence_begin(buffers); at != end && bytes > 0; ++at) {
            const boost::asio::const_buffer part(*at);
            const std::size_t taken = std::min(bytes, part.size());
            sink_.on_received({static_cast<const char*>(part.data()), taken});
            bytes -= taken;
        }
    }

    template <class Buffers>
    std::size_t queue(const Buffers& buffers) {
        std::string bytes(boost::asio::buffer_size(buffers), '\0');
        boost::asio::buffer_copy(boost::asio::buffer(bytes), buffers);
        sink_.queue_control(bytes);
        return bytes.size();
    }

    Socket socket_;
    OutboxSink& sink_;
};

/// Beast asks for the end of the connection when it is done; the connection flushes and lingers by itself afterwards.
template <class Handler>
void async_teardown(boost::beast::role_type, OutboxStream& stream, Handler&& handler) {
    boost::asio::post(stream.get_executor(), boost::beast::bind_front_handler(std::forward<Handler>(handler),
                                                                              boost::system::error_code{}));
}

inline void beast_close_socket(OutboxStream& stream) {
    boost::system::error_code ignored;
    stream.socket().close(ignored);
}

}  // namespace tulle::node
