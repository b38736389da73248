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

/// The place for the bytes that Beast writes, and the observer of the bytes that Beast reads.
///
/// Thread: called on the reactor's thread.
class OutboxSink {
public:
    OutboxSink() = default;
    OutboxSink(const OutboxSink&) = delete;
    OutboxSink& operator=(const OutboxSink&) = delete;
    virtual ~OutboxSink() = default;

    /// Queues a whole control frame or a whole handshake. The bytes are few: Beast writes no messages here, because the
    /// connection writes messages into the outbox by itself.
    virtual void queue_control(std::string_view bytes) = 0;
    /// Shows `bytes`, which have come from the peer, before Beast sees the bytes. The bytes may be any piece of a
    /// frame.
    virtual void on_received(std::string_view bytes) = 0;
    /// Reports an exception that Beast, or a handler called by Beast, has thrown between two steps of an operation. The
    /// operation goes no further, and its handler is not called any more.
    virtual void on_exception(const std::exception& error) = 0;
};

/// The layer under Beast's WebSocket stream. The layer reads from the socket, and writes into the connection's outbox
/// as if the outbox were the socket. Beast's handshake, Beast's control frames and our own frames therefore leave in
/// one queue, each whole.
///
/// Thread: the reactor's.
/// Ownership: the sink must outlive the stream, and the stream must outlive its operations.
/// Errors: a write never fails here; errors of the socket show in the outbox. A read fails with the error of the
/// socket, or with kCorrupt.
class OutboxStream {
public:
    using executor_type = Socket::executor_type;

    /// Takes the connected `socket`.
    OutboxStream(Socket socket, OutboxSink& sink) : socket_(std::move(socket)), sink_(sink) {}

    [[nodiscard]] executor_type get_executor() { return socket_.get_executor(); }
    [[nodiscard]] Socket& socket() { return socket_; }
    /// From this call on, Beast is shown plain messages in place of compressed messages. A read ends with kCorrupt when
    /// data cannot be decompressed. The inflater belongs to the stream.
    FrameInflater& begin_to_inflate() { return *(inflater_ = std::make_unique<FrameInflater>()); }
    /// The inflater; null when nothing is decompressed.
    [[nodiscard]] FrameInflater* inflater() { return inflater_.get(); }
    [[nodiscard]] const FrameInflater* inflater() const { return inflater_.get(); }
    /// The error of a read after data that cannot be decompressed. The socket itself reports no such error.
    static constexpr boost::system::errc::errc_t kCorrupt = boost::system::errc::bad_message;

    /// Reads some bytes, as Beast expects of the layer below. The handler gets at least one byte, or an error.
    template <class Buffers, class Handler>
    auto async_read_some(const Buffers& buffers, Handler&& handler) {
        return boost::asio::async_initiate<Handler, void(boost::system::error_code, std::size_t)>(ReadInitiation{this},
                                                                                                  handler, buffers);
    }

    /// Writes all bytes at once into the sink. The handler is called later, as Beast forbids a call from within.
    template <class Buffers, class Handler>
    auto async_write_some(const Buffers& buffers, Handler&& handler) {
        return boost::asio::async_initiate<Handler, void(boost::system::error_code, std::size_t)>(WriteInitiation{this},
                                                                                                  handler, buffers);
    }

private:
    /// Begins a read. A class of its own rather than a lambda, because a read of an incomplete header begins again.
    struct ReadInitiation {
        OutboxStream* stream;

        template <class Handler, class Buffers>
        void operator()(Handler&& handler, const Buffers& buffers) const {
            // Inflated bytes that wait are served first; the socket is read only when none are left.
            if (stream->has_inflated()) {
                boost::asio::post(stream->get_executor(),
                                  [stream = stream, buffers, handler = std::forward<Handler>(handler)]() mutable {
                                      stream->guard([&] { stream->serve_inflated(buffers, handler); });
                                  });
                return;
            }
            stream->socket_.async_read_some(buffers,
                                            [stream = stream, buffers, handler = std::forward<Handler>(handler)](
                                                const boost::system::error_code& error, std::size_t bytes) mutable {
                                                stream->guard([&] {
                                                    // The sink and the inflater see the bytes before Beast does.
                                                    stream->show(buffers, bytes);
                                                    if (stream->inflater_ == nullptr || error) {
                                                        handler(error, bytes);
                                                    } else if (stream->has_inflated()) {
                                                        stream->serve_inflated(buffers, handler);
                                                    } else {
                                                        // The bytes are a part of a frame's header, or give no output
                                                        // yet: Beast must not see an empty read.
                                                        ReadInitiation{stream}(std::move(handler), buffers);
                                                    }
                                                });
                                            });
        }
    };

    /// Begins a write.
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

    /// Runs `work`; an exception goes to the sink instead of the event loop.
    template <class Work>
    void guard(Work work) {
        try {
            work();
        } catch (const std::exception& thrown) {
            sink_.on_exception(thrown);
        }
    }

    /// True when a read can be answered from the inflater: by bytes, or by the error of corrupt data.
    [[nodiscard]] bool has_inflated() const {
        return inflater_ != nullptr && (!inflater_->output().empty() || inflater_->is_corrupt());
    }

    /// Answers a read from the inflater. The error comes only after all bytes before the corrupt data have been read.
    template <class Buffers, class Handler>
    void serve_inflated(const Buffers& buffers, Handler& handler) {
        const std::string_view output = inflater_->output();
        const bool is_at_end = output.empty();
        const std::size_t bytes = boost::asio::buffer_copy(buffers, boost::asio::buffer(output));
        inflater_->consume(bytes);
        handler(is_at_end ? make_error_code(kCorrupt) : boost::system::error_code{}, bytes);
    }

    /// Shows the first `bytes` bytes of the buffers to the sink and to the inflater.
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

    /// Copies the buffers into a single text for the sink. Returns the number of bytes.
    template <class Buffers>
    std::size_t queue(const Buffers& buffers) {
        std::string bytes(boost::asio::buffer_size(buffers), '\0');
        boost::asio::buffer_copy(boost::asio::buffer(bytes), buffers);
        sink_.queue_control(bytes);
        return bytes.size();
    }

    Socket socket_;
    OutboxSink& sink_;
    /// Null unless the client has negotiated compression.
    std::unique_ptr<FrameInflater> inflater_;
};

/// Called by Beast when the WebSocket has ended and the connection is to be shut. Nothing is done here: the connection
/// flushes its outbox and lingers by itself afterwards.
template <class Handler>
void async_teardown(boost::beast::role_type, OutboxStream& stream, Handler&& handler) {
    boost::asio::post(stream.get_executor(),
                      boost::beast::bind_front_handler(std::forward<Handler>(handler), boost::system::error_code{}));
}

/// Called by Beast when the socket is to be closed without delay.
inline void beast_close_socket(OutboxStream& stream) {
    stream.socket().close();
}

}  // namespace tulle::node
