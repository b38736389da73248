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
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "client/core/connection.hpp"
#include "client/wire/server_url.hpp"

namespace tulle::client {

/// Bytes of client events that wait to be written, in the mailbox and in the link.
using QueuedBytes = std::atomic<std::size_t>;

struct WsTransportConfig {
    DialId dial;
    ServerUrl server;
    std::string target;
    Duration connect_timeout{};
    std::size_t max_message_bytes = 0;
    std::shared_ptr<QueuedBytes> queued;
};

/// One WebSocket connection, from the look-up of the host to the end. Says nothing more once it has told on_lost, or
/// after drop().
///
/// Thread: that of the io_context. The owner must live until on_lost or drop().
/// Limits: a message beyond max_message_bytes ends the connection; after close() it lives for a second at most.
class WsTransport : public std::enable_shared_from_this<WsTransport> {
public:
    class Owner {
    public:
        /// `text` is valid during the call.
        virtual void on_text(DialId dial, std::string_view text) = 0;
        virtual void on_lost(DialId dial, std::optional<int> code, std::string reason) = 0;

    protected:
        ~Owner() = default;
    };

    WsTransport(boost::asio::io_context& io, WsTransportConfig config, Owner& owner);
    WsTransport(const WsTransport&) = delete;
    WsTransport& operator=(const WsTransport&) = delete;
    ~WsTransport();

    void open();
    void send(std::string frame);
    /// Writes what is queued, then closes with 1000. The end is told by on_lost.
    void close();
    void drop();

private:
    using Error = boost::beast::error_code;
    using Tcp = boost::asio::ip::tcp;

    void on_resolved(Error error, const Tcp::resolver::results_type& results);
    void on_connected(Error error);
    void on_handshaken(Error error);
    void read();
    void on_read(Error error);
    void write();
    void on_written(Error error);
    void say_goodbye();
    void lose(Error error, std::string_view during);
    void end(std::optional<int> code, std::string reason);
    void cut();

    WsTransportConfig config_;
    Owner* owner_;
    Tcp::resolver resolver_;
    boost::beast::websocket::stream<boost::beast::tcp_stream> ws_;
    boost::asio::steady_timer farewell_;
    boost::beast::flat_buffer buffer_;
    boost::beast::websocket::response_type response_;
    std::deque<std::string> outbox_;  ///< the first is being written
    bool open_ = false;
    bool closing_ = false;
};

}  // namespace tulle::client
