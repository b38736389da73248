#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "client/core/connection.hpp"
#include "client/io/client_stream.hpp"
#include "client/wire/server_url.hpp"

namespace tulle::client {

/// Bytes waiting to be written: client events in the mailbox, and all frames in the socket's outbox.
using QueuedBytes = std::atomic<std::size_t>;

/// The settings of one WebSocket connection.
struct WsTransportConfig {
    /// Passed back to the owner with every call.
    DialId dial;
    ServerUrl server;
    /// What is trusted over TLS. Must not be null for a server with TLS.
    std::shared_ptr<ServerTrust> trust;
    /// The request target of the handshake.
    std::string target;
    /// Bounds the TCP connect together with the TLS handshake, and again the WebSocket handshake.
    Duration connect_timeout{};
    /// A longer message ends the connection.
    std::size_t max_message_bytes = 0;
    /// Counts the frames of the outbox. Must not be null.
    std::shared_ptr<QueuedBytes> queued;
};

/// One WebSocket connection, from the look-up of the host name to the end. After on_lost, or after drop(), the
/// transport never calls its owner again.
///
/// Thread:    the thread of the io_context.
/// Ownership: a shared_ptr, as pending operations keep the transport alive. The owner must live until on_lost or
///            drop().
/// Limits:    a message longer than `max_message_bytes` ends the connection. After close() the connection lives for one
///            second at most. The owner bounds the outbox.
/// Errors:    every error ends the connection and is reported by on_lost.
class WsTransport : public std::enable_shared_from_this<WsTransport> {
public:
    /// Receives the messages and the end of the connection.
    class Owner {
    public:
        /// A complete message. `text` is valid during the call.
        virtual void on_text(DialId dial, std::string_view text) = 0;
        /// The end of the connection, reported once. `code` is the server's close code, if the server sent a close
        /// code.
        virtual void on_lost(DialId dial, std::optional<int> code, std::string reason) = 0;

    protected:
        ~Owner() = default;
    };

    WsTransport(boost::asio::io_context& io, WsTransportConfig config, Owner& owner);
    WsTransport(const WsTransport&) = delete;
    WsTransport& operator=(const WsTransport&) = delete;
    ~WsTransport();

    /// Begins to connect. Called once.
    void open();
    /// Queues a text frame. Frames queued before the handshake are written afterwards. After close() the frame is
    /// dropped.
    void send(std::string frame);
    /// Writes the queued frames, then closes with code 1000. on_lost reports the end.
    void close();
    /// Closes the socket at once. The owner is not called again.
    void drop();

private:
    using Error = boost::beast::error_code;
    using Tcp = boost::asio::ip::tcp;

    // The stages of the connection, in order. Each does nothing once the connection has ended.
    void on_resolved(Error error, const Tcp::resolver::results_type& results);
    void on_connected(Error error);
    void on_secured(Error error);
    void on_handshaken(Error error);
    void read();
    void on_read(Error error);
    void write();
    void on_written(Error error);
    /// Begins the closing handshake.
    void say_goodbye();
    /// Ends the connection after an error, with the server's close code if a close frame has come.
    void lose(Error error, std::string_view during);
    /// Closes the socket and tells the owner, as the last call.
    void end(std::optional<int> code, std::string reason);
    /// Cancels every pending operation and closes the socket.
    void cut();

    WsTransportConfig config_;
    /// Null after the end.
    Owner* owner_;
    Tcp::resolver resolver_;
    boost::beast::websocket::stream<ClientStream> ws_;
    /// Bounds the time after close().
    boost::asio::steady_timer farewell_;
    boost::beast::flat_buffer buffer_;
    boost::beast::websocket::response_type response_;
    /// Frames to write. Once the connection is open the first frame is being written.
    std::deque<std::string> outbox_;
    /// True after the handshake.
    bool open_ = false;
    /// True after close().
    bool closing_ = false;
};

}  // namespace tulle::client
