#include "client/io/ws_transport.hpp"

#include <chrono>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <boost/beast/websocket/error.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

namespace tulle::client {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;

/// The longest time from close() to the end. A second is ample for a live server, and a dead server must not hold up
/// close().
constexpr std::chrono::seconds kFarewell{1};

}  // namespace

WsTransport::WsTransport(asio::io_context& io, WsTransportConfig config, Owner& owner)
    : config_(std::move(config)),
      owner_(&owner),
      resolver_(io),
      ws_(io, config_.server.is_tls ? config_.trust.get() : nullptr, config_.server.host),
      farewell_(io) {}

WsTransport::~WsTransport() {
    // Frames never written must not count against the queue of later connections.
    for (const std::string& frame : outbox_) {
        *config_.queued -= frame.size();
    }
}

void WsTransport::open() {
    resolver_.async_resolve(config_.server.host, config_.server.port,
                            [self = shared_from_this()](Error error, const Tcp::resolver::results_type& results) {
                                self->on_resolved(error, results);
                            });
}

void WsTransport::on_resolved(Error error, const Tcp::resolver::results_type& results) {
    if (owner_ == nullptr) {
        return;
    }
    if (error) {
        lose(error, "cannot resolve the host");
        return;
    }
    // Beast tries the addresses of the host in order, all under one deadline.
    ws_.next_layer().tcp().expires_after(config_.connect_timeout);
    ws_.next_layer().tcp().async_connect(
        results, [self = shared_from_this()](Error failure, const Tcp::endpoint&) { self->on_connected(failure); });
}

void WsTransport::on_connected(Error error) {
    if (owner_ == nullptr) {
        return;
    }
    if (error) {
        lose(error, "cannot connect");
        return;
    }
    Error ignored;
    // Frames are small and urgent, so no frame should wait for an acknowledgement.
    ws_.next_layer().tcp().socket().set_option(Tcp::no_delay(true), ignored);
    ws_.next_layer().async_handshake([self = shared_from_this()](Error failure) { self->on_secured(failure); });
}

void WsTransport::on_secured(Error error) {
    if (owner_ == nullptr) {
        return;
    }
    if (error) {
        end(std::nullopt, ws_.next_layer().why(error));
        return;
    }
    // From here on the WebSocket's own handshake timeout applies. No idle timeout is set: the core sends the pings.
    ws_.next_layer().tcp().expires_never();
    ws_.set_option(websocket::stream_base::timeout{config_.connect_timeout, websocket::stream_base::none(), false});
    ws_.set_option(websocket::stream_base::decorator([](websocket::request_type& request) {
        request.set(beast::http::field::user_agent, "tulle-cpp/" TULLE_VERSION);
    }));
    ws_.read_message_max(config_.max_message_bytes);
    ws_.text(true);
    ws_.async_handshake(response_, config_.server.authority(), config_.target,
                        [self = shared_from_this()](Error failure) { self->on_handshaken(failure); });
}

void WsTransport::on_handshaken(Error error) {
    if (owner_ == nullptr) {
        return;
    }
    // A proxy or a wrong path answers with plain HTTP. The status helps to find the mistake.
    if (error == websocket::error::upgrade_declined) {
        end(std::nullopt, "the server answered HTTP " + std::to_string(response_.result_int()));
        return;
    }
    if (error) {
        lose(error, "no WebSocket handshake");
        return;
    }
    open_ = true;
    // A read is always pending from here on, so the end of the connection is always noticed.
    read();
    // Frames and a close() may have come before the handshake was done.
    if (!outbox_.empty()) {
        write();
    } else if (closing_) {
        say_goodbye();
    }
}

void WsTransport::read() {
    ws_.async_read(buffer_, [self = shared_from_this()](Error error, std::size_t) { self->on_read(error); });
}

void WsTransport::on_read(Error error) {
    if (owner_ == nullptr) {
        return;
    }
    if (error) {
        lose(error, "connection lost");
        return;
    }
    const auto data = buffer_.cdata();
    owner_->on_text(config_.dial, {static_cast<const char*>(data.data()), data.size()});
    buffer_.consume(buffer_.size());
    // The owner may have dropped the connection during the call.
    if (owner_ != nullptr) {
        read();
    }
}

void WsTransport::send(std::string frame) {
    if (closing_) {
        return;
    }
    *config_.queued += frame.size();
    outbox_.push_back(std::move(frame));
    // With a longer outbox a write is pending, and on_written continues.
    if (open_ && outbox_.size() == 1) {
        write();
    }
}

void WsTransport::write() {
    ws_.async_write(asio::buffer(outbox_.front()),
                    [self = shared_from_this()](Error error, std::size_t) { self->on_written(error); });
}

void WsTransport::on_written(Error error) {
    *config_.queued -= outbox_.front().size();
    outbox_.pop_front();
    if (owner_ == nullptr || error) {
        // The pending read reports the end together with the reason.
        return;
    }
    if (!outbox_.empty()) {
        write();
    } else if (closing_) {
        say_goodbye();
    }
}

void WsTransport::close() {
    closing_ = true;
    // A server may accept the close frame and never answer.
    farewell_.expires_after(kFarewell);
    farewell_.async_wait([self = shared_from_this()](Error error) {
        if (!error && self->owner_ != nullptr) {
            self->end(std::nullopt, "the server did not close in time");
        }
    });
    if (open_ && outbox_.empty()) {
        say_goodbye();
    }
}

void WsTransport::say_goodbye() {
    ws_.async_close(websocket::close_code::normal, [self = shared_from_this()](Error) {
        if (self->owner_ != nullptr) {
            self->end(std::nullopt, "closed");
        }
    });
}

void WsTransport::lose(Error error, std::string_view during) {
    // A close frame has come: the code decides about the reconnection.
    if (error == websocket::error::closed && ws_.reason().code != websocket::close_code::none) {
        const std::string text(ws_.reason().reason.data(), ws_.reason().reason.size());
        end(static_cast<int>(ws_.reason().code), text.empty() ? "closed by the server" : text);
        return;
    }
    end(std::nullopt, std::string(during) + ": " + error.message());
}

void WsTransport::end(std::optional<int> code, std::string reason) {
    // Cleared first, so that no callback of a cancelled operation reaches the owner.
    Owner* const owner = std::exchange(owner_, nullptr);
    cut();
    owner->on_lost(config_.dial, code, std::move(reason));
}

void WsTransport::drop() {
    owner_ = nullptr;
    cut();
}

void WsTransport::cut() {
    resolver_.cancel();
    farewell_.cancel();
    ws_.next_layer().tcp().close();
}

}  // namespace tulle::client
