#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/system/errc.hpp>

#include "node/edge/connection.hpp"
#include "node/web/frame_inflater.hpp"

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
    /// From now on Beast is shown plain messages in place of compressed ones. When data cannot be decompressed, a read
    /// ends with kCorrupt.
    FrameInflater& begin_to_inflate() { return *(inflater_ = std::make_unique<FrameInflater>()); }
    /// Null: nothing is decompressed.
    [[nodiscard]] FrameInflater* inflater() { return inflater_.get(); }
    [[nodiscard]] const FrameInflater* inflater() const { return inflater_.get(); }
    static constexpr boost::system::errc::errc_t kCorrupt = boost::system::errc::bad_message;

    template <class Buffers, class Handler>
    auto async_read_some(const Buffers& buffers, Handler&& handler) {
        return boost::asio::async_initiate<Handler, void(boost::system::error_code, std::size_t)>(ReadInitiation{this},
                                                                                                  handler, buffers);
    }

    template <class Buffers, class Handler>
    auto async_write_some(const Buffers& buffers, Handler&& handler) {
        return boost::asio::async_initiate<Handler, void(boost::system::error_code, std::size_t)>(WriteInitiation{this},
                                                                                                  handler, buffers);
    }

private:
    struct ReadInitiation {
        OutboxStream* stream;

        template <class Handler, class Buffers>
        void operator()(Handler&& handler, const Buffers& buffers) const {
            if (stream->has_inflated()) {
                boost::asio::post(stream->get_executor(),
                                  [stream = stream, buffers, handler = std::forward<Handler>(handler)]() mutable {
                                      stream->guard([&] { stream->serve_inflated(buffers, handler); });
                                  });
                return;
            }
            stream->socket_.async_read_some(
                buffers, [stream = stream, buffers, handler = std::forward<Handler>(handler)](
                             const boost::system::error_code& error, std::size_t bytes) mutable {
                    stream->guard([&] {
                        stream->show(buffers, bytes);
                        if (stream->inflater_ == nullptr || error) {
                            handler(error, bytes);
                        } else if (stream->has_inflated()) {
                            stream->serve_inflated(buffers, handler);
                        } else {
                            ReadInitiation{stream}(std::move(handler), buffers);  // a part of a header
                        }
                    });
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
                                  stream->guard([&] { handler(boost::system::error_code{}, bytes); });
                              });
        }
    };

    template <class Work>
    void guard(Work work) {
        try {
            work();
        } catch (const std::exception& thrown) {
            sink_.on_exception(thrown);
        }
    }

    [[nodiscard]] bool has_inflated() const {
        return inflater_ != nullptr && (!inflater_->output().empty() || inflater_->is_corrupt());
    }

    template <class Buffers, class Handler>
    void serve_inflated(const Buffers& buffers, Handler& handler) {
        const std::string_view output = inflater_->output();
        const bool is_at_end = output.empty();
        const std::size_t bytes = boost::asio::buffer_copy(buffers, boost::asio::buffer(output));
        inflater_->consume(bytes);
        handler(is_at_end ? make_error_code(kCorrupt) : boost::system::error_code{}, bytes);
    }

    template <class Buffers>
    void show(const Buffers& buffers, std::size_t bytes) {
        const auto end = boost::asio::buffer_sequence_end(buffers);
        for (auto at = boost::asio::buffer_sequence_begin(buffers); at != end && bytes > 0; ++at) {
            const boost::asio::const_buffer part(*at);
            const std::size_t taken = std::min(bytes, part.size());
            const std::string_view received(static_cast<const char*>(part.data()), taken);
            sink_.on_received(received);
            if (inflater_ != nullptr) {
                inflater_->take(received);
            }
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
    std::unique_ptr<FrameInflater> inflater_;
};

/// Beast asks for the end of the connection when it is done; the connection flushes and lingers by itself afterwards.
template <class Handler>
void async_teardown(boost::beast::role_type, OutboxStream& stream, Handler&& handler) {
    boost::asio::post(stream.get_executor(),
                      boost::beast::bind_front_handler(std::forward<Handler>(handler), boost::system::error_code{}));
}

/// Beast asks for the end of the socket.
inline void beast_close_socket(OutboxStream& stream) {
    boost::system::error_code ignored;
    stream.socket().close(ignored);
}

}  // namespace tulle::node
