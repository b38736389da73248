#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "node/core/outbox.hpp"
#include "node/edge/reactor.hpp"
#include "node/edge/stream_connection.hpp"
#include "node/web/core/frame_guard.hpp"
#include "node/web/http_service.hpp"
#include "node/web/outbox_stream.hpp"
#include "node/web/ws_upgrade.hpp"

namespace tulle::node {

class WsConnection;

/// The last words on a connection that the node ends: a text message, unless `text` is empty, then a Close frame with
/// `code` and `reason`.
struct WsFarewell {
    std::string text;
    std::uint16_t code = 0;
    std::string reason;
};

/// A protocol over WebSocket connections.
///
/// Thread: called on the reactor's thread.
/// Ownership: the handler outlives its connections.
/// Errors: an exception from any of the functions ends the connection (Reactor::guard).
class WsHandler {
public:
    WsHandler() = default;
    WsHandler(const WsHandler&) = delete;
    WsHandler& operator=(const WsHandler&) = delete;
    virtual ~WsHandler() = default;

    /// The handshake has succeeded. From this call on the connection takes frames.
    virtual void on_open(WsConnection& connection) = 0;
    /// A message has come, of text or of bytes. `text` is valid during the call and has at most `max_message` bytes.
    virtual void on_text(WsConnection& connection, std::string_view text) = 0;
    /// A ping or a pong has come. `is_answered` is true for a ping, which Beast answers by a pong.
    virtual void on_activity(WsConnection& connection, bool is_answered) = 0;
    /// The deadline of set_session_deadline has come.
    virtual void on_session_deadline(WsConnection& connection) = 0;
    /// The node is going away, and the connection is open. The handler says its last words and closes the connection.
    virtual void on_drain(WsConnection& connection) = 0;
    /// The peer has left or has been given up. Called once, also for a connection without an on_open; no other call
    /// follows. When on_gone throws, the connection fails and on_gone is called again; a second exception ends the
    /// process.
    virtual void on_gone(WsConnection& connection) = 0;
    /// The last words to a client that the node gives up.
    [[nodiscard]] virtual WsFarewell farewell(Farewell why) const = 0;
    /// The text message before the Close frame 1009 for a message of more than `max_message` bytes; empty for no text.
    [[nodiscard]] virtual std::string too_large(std::size_t max_message) const = 0;
};

/// The limits of all connections of a listener.
struct WsLimits {
    /// True when an empty outbox can take an event with a body of `body` bytes. JSON escapes make an event up to six
    /// times as large on its way as its app counts the event. A client with a smaller outbox would be closed for such
    /// an event. 512 bytes are for the frame's header and for the channel in JSON.
    [[nodiscard]] bool fits(std::size_t body) const { return body + 512 <= outbox.max_bytes; }

    OutboxLimits outbox;
    /// True when clients that offer permessage-deflate get compressed messages.
    bool deflates = false;
};

/// The values with which a connection begins.
struct WsBeginning {
    /// Bytes of a message after decompression. A client with a larger message is closed with 1009.
    std::size_t max_message = 0;
    /// The subprotocol that the answer names; empty for none.
    std::string subprotocol{};
};

/// A WebSocket connection: Beast's stream over the outbox of a StreamConnection.
///
/// Thread: the reactor's.
/// Ownership: kept alive by the reactor and by its own handlers.
/// Limits: the outbox of WsLimits. A message of more than max_message bytes: close 1009. Too many fragments or control
/// frames: close 1008 (FrameGuard). A handshake of more than kHandshakeTimeout: cut.
/// Errors: none are reported except by on_gone.
class WsConnection final : public StreamConnection, private OutboxSink {
public:
    /// `handler` and `limits` must outlive the connection.
    WsConnection(Reactor& reactor, WsHandler& handler, Socket socket, Peer peer, const WsLimits& limits);

    /// Enters the reactor and answers the upgrade `request`, which the gate has accepted. An exception after the
    /// connection has entered ends the connection. An exception before leaves start(), and nothing has been counted.
    void start(UpgradeRequest& request, WsBeginning beginning);
    /// The target of the upgrade: path and query. Empty after on_open.
    [[nodiscard]] const std::string& target() const { return target_; }
    [[nodiscard]] const WsLimits& limits() const { return limits_; }
    /// Sets the bytes that a message may have, from the next message on. A client with a larger message is closed with
    /// 1009.
    void limit_message(std::size_t max_message);

    /// Queues a text message for the end of the turn. Does nothing unless the connection is open.
    void send_text(std::string_view text);
    /// Sends a Close frame after all frames sent before, and ends the connection when the peer has answered or after
    /// kCloseTimeout. `reason`: at most 123 bytes; the rest is cut off. Does nothing unless the connection is open.
    void close(std::uint16_t code, std::string_view reason);
    /// Bytes as in StreamConnection, and the bytes of an incomplete message, compressed or not.
    [[nodiscard]] std::size_t memory() const override {
        const FrameInflater* inflater = stream_.next_layer().inflater();
        return StreamConnection::memory() + buffer_.capacity() + (inflater == nullptr ? 0 : inflater->memory());
    }
    /// Why the node reads no further message of a client. kHub: the hub has no room for messages of clients. kRate: the
    /// client sends faster than its app allows.
    enum class Pause : std::uint8_t { kHub = 1, kRate = 2 };
    /// Reads no further message until resume() has been called for each reason.
    void pause(Pause why) { paused_ |= static_cast<unsigned>(why); }
    /// Takes a reason away, and reads on when no reason is left. Does nothing when the connection is not paused.
    void resume(Pause why);

private:
    // The functions that StreamConnection calls.
    Socket& socket() override { return stream_.next_layer().socket(); }
    std::size_t frame_size(std::string_view bytes) const override;
    void say_farewell(Farewell why) override;
    void on_left() override;
    void on_session_deadline() override { handler_.on_session_deadline(*this); }
    void on_drain() override { handler_.on_drain(*this); }
    void at_turn_end() override;

    // The functions that OutboxStream calls.
    void queue_control(std::string_view bytes) override;
    void on_received(std::string_view bytes) override;
    void on_exception(const std::exception& error) override { reactor().fail(*this, error); }
    /// Answers the upgrade through Beast.
    void accept(UpgradeRequest& request);
    /// The 101 answer is queued, or the handshake has failed.
    void on_accepted(const boost::system::error_code& error);
    /// Reads a further piece of a message. REQUIRES: no other read is on its way.
    void read();
    /// Takes the result of a read.
    void on_read(const boost::system::error_code& error);
    /// Hands a whole message to the handler and reads on.
    void on_message();
    /// Closes a client to which the guard objects.
    void give_up_flooding();
    /// Keeps the code of a Close frame, unless there has been one before.
    void note_close(std::uint16_t code) { close_code_ = close_code_ == 0 ? code : close_code_; }
    /// Queues the Close frame for data that cannot be decompressed.
    void tell_corrupt();
    /// Queues the protocol's text message about a large message.
    void tell_too_large();
    /// True when the peer has ended the connection by a Close frame, also by a frame with a code that Beast does not
    /// know.
    [[nodiscard]] bool is_orderly(const boost::system::error_code& error) const;

    WsHandler& handler_;
    const WsLimits& limits_;
    /// Bits of Pause.
    unsigned paused_ = 0;
    /// True while a read is on its way: resume() must not begin another.
    bool is_reading_ = false;
    /// The first objection of the guard; acted upon at the end of the turn.
    FrameGuard::Verdict verdict_ = FrameGuard::Verdict::kFine;
    /// The code of the first Close frame, for the metrics; 0: there has been none.
    std::uint16_t close_code_ = 0;
    std::size_t max_message_ = 0;
    FrameGuard guard_;
    boost::beast::websocket::stream<OutboxStream, false> stream_;
    boost::beast::flat_buffer buffer_;
    /// Both are held until the connection is open, and cost nothing afterwards.
    std::string target_;
    std::unique_ptr<UpgradeAnswer> answer_;
};

}  // namespace tulle::node
