#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include "node/edge/cipher.hpp"

namespace tulle::node {

/// A TCP socket whose executor has a concrete type, so that the hot path needs no type erasure.
using TcpSocket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

/// The socket of a connection: TCP, and over TCP a Cipher if the connection is encrypted. The functions that read and
/// write take plain text in both cases.
///
/// Thread: the reactor's.
/// Ownership: owns the cipher. The socket may be moved while no operation is under way.
/// Errors: as error codes, also for a broken cipher (connection_reset) and for the end of the peer's direction (eof).
class Socket : public TcpSocket {
public:
    using TcpSocket::TcpSocket;
    /// Takes a plain socket.
    explicit Socket(TcpSocket socket) : TcpSocket(std::move(socket)) {}

    /// From here on the bytes are encrypted by `cipher`, whose handshake is done.
    void secure(std::unique_ptr<Cipher> cipher) { cipher_ = std::move(cipher); }
    /// Null for a plain connection.
    [[nodiscard]] Cipher* cipher() const { return cipher_.get(); }
    /// The socket below the cipher.
    [[nodiscard]] TcpSocket& tcp() { return *this; }

    /// Reads what is there, without waiting.
    template <class Buffers>
    std::size_t read_some(const Buffers& buffers, boost::system::error_code& error) {
        return cipher_ == nullptr ? TcpSocket::read_some(buffers, error) : read_secured(first_of(buffers), error);
    }

    /// Writes what the kernel takes at once, without waiting. See is_flushed().
    std::size_t write_some(std::string_view bytes, boost::system::error_code& error) {
        return cipher_ == nullptr ? TcpSocket::write_some(boost::asio::buffer(bytes.data(), bytes.size()), error)
                                  : write_secured(bytes, error);
    }

    /// True when the kernel has everything that write_some has taken.
    [[nodiscard]] bool is_flushed() const { return cipher_ == nullptr || cipher_->sealed().empty(); }

    /// Waits for the socket. A wait for bytes ends at once when the cipher holds unread bytes.
    template <class Handler>
    void async_wait(wait_type type, Handler&& handler) {
        if (cipher_ != nullptr && type == wait_read && cipher_->has_unread()) {
            boost::asio::post(get_executor(), [handler = std::forward<Handler>(handler)]() mutable {
                handler(boost::system::error_code{});
            });
        } else {
            TcpSocket::async_wait(type, std::forward<Handler>(handler));
        }
    }

    /// Reads at least one byte. The handler has the arguments (error_code, bytes).
    template <class Buffers, class Handler>
    void async_read_some(const Buffers& buffers, Handler&& handler) {
        if (cipher_ == nullptr) {
            TcpSocket::async_read_some(buffers, std::forward<Handler>(handler));
        } else {
            async_wait(wait_read,
                       SecuredRead<Buffers, std::decay_t<Handler>>{this, buffers, std::forward<Handler>(handler)});
        }
    }

    /// Writes all of `bytes`, and what write_some has left unwritten. `bytes` must stay valid until the handler, which
    /// has the arguments (error_code, bytes), is called.
    template <class Handler>
    void async_write(std::string_view bytes, Handler&& handler) {
        if (cipher_ == nullptr) {
            boost::asio::async_write(tcp(), boost::asio::buffer(bytes.data(), bytes.size()),
                                     std::forward<Handler>(handler));
        } else {
            // Posted, because a handler must not be called from within.
            boost::asio::post(get_executor(), [write = SecuredWrite<std::decay_t<Handler>>{
                                                   this, bytes, 0, std::forward<Handler>(handler)}]() mutable {
                write(boost::system::error_code{});
            });
        }
    }

    /// True when bytes of the peer have not been read yet.
    [[nodiscard]] bool has_input() const {
        boost::system::error_code error;
        return (cipher_ != nullptr && cipher_->has_unread()) || available(error) > 0;
    }

    /// Tells the peer of an encrypted connection that no more bytes follow, as far as the kernel takes the word at
    /// once.
    void say_end();

    /// Closes the socket, after say_end().
    void close(boost::system::error_code& error);
    /// Closes the socket; ignores errors.
    void close();

private:
    // The functions below would pass by the cipher.
    using TcpSocket::async_receive;
    using TcpSocket::async_send;
    using TcpSocket::async_write_some;
    using TcpSocket::receive;
    using TcpSocket::send;

    /// Reads when the socket is readable, and waits again when no whole record has come.
    template <class Buffers, class Handler>
    struct SecuredRead {
        Socket* socket;
        Buffers buffers;
        Handler handler;

        void operator()(boost::system::error_code error) {
            std::size_t bytes = 0;
            if (!error && !socket->is_open()) {
                error = boost::asio::error::operation_aborted;
            }
            if (!error) {
                bytes = socket->read_secured(first_of(buffers), error);
                if (error == boost::asio::error::would_block) {
                    Socket* const again = socket;
                    again->async_wait(wait_read, std::move(*this));
                    return;
                }
            }
            handler(error, bytes);
        }
    };

    /// Writes as far as the kernel takes the bytes, and waits in between.
    template <class Handler>
    struct SecuredWrite {
        Socket* socket;
        std::string_view rest;
        std::size_t written;
        Handler handler;

        void operator()(boost::system::error_code error) {
            if (!error && !socket->is_open()) {
                error = boost::asio::error::operation_aborted;
            }
            while (!error && !(rest.empty() && socket->is_flushed())) {
                const std::size_t taken = socket->write_secured(rest, error);
                rest.remove_prefix(taken);
                written += taken;
            }
            if (error == boost::asio::error::would_block) {
                Socket* const again = socket;
                again->async_wait(wait_write, std::move(*this));
            } else {
                handler(error, written);
            }
        }
    };

    /// The first buffer with room.
    template <class Buffers>
    static std::span<char> first_of(const Buffers& buffers) {
        const auto end = boost::asio::buffer_sequence_end(buffers);
        for (auto at = boost::asio::buffer_sequence_begin(buffers); at != end; ++at) {
            const boost::asio::mutable_buffer part(*at);
            if (part.size() > 0) {
                return {static_cast<char*>(part.data()), part.size()};
            }
        }
        return {};
    }

    std::size_t read_secured(std::span<char> into, boost::system::error_code& error);
    /// Returns the number of bytes that were sealed. would_block: the kernel has not taken everything sealed.
    std::size_t write_secured(std::string_view bytes, boost::system::error_code& error);

    std::unique_ptr<Cipher> cipher_;
};

}  // namespace tulle::node
