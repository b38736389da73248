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

/// The last words on a connection that the node ends: a text message, unless it is empty, then a Close frame.
struct WsFarewell {
    std::string text;
    std::uint16_t code = 0;
    std::string reason;
};

/// A protocol over WebSocket connections. Called on the reactor's thread.
class WsHandler {
public:
    WsHandler() = default;
    WsHandler(const WsHandler&) = delete;
    WsHandler& operator=(const WsHandler&) = delete;
    virtual ~WsHandler() = default;

    virtual void on_open(WsConnection& connection) = 0;
    virtual void on_text(WsConnection& connection, std::string_view text) = 0;
    /// A ping or pong frame came. `is_answered`: a ping, which is answered by a pong.
    virtual void on_activity(WsConnection& connection, bool is_answered) = 0;
    /// The deadline set by set_session_deadline has come.
    virtual void on_session_deadline(WsConnection& connection) = 0;
    virtual void on_drain(WsConnection& connection) = 0;
    /// The peer has left or has been given up. Called once, also when on_open never was; nothing follows it. What it
    /// throws fails the connection, and on_gone is called again; what it throws then ends the process.
    virtual void on_gone(WsConnection& connection) = 0;
    /// What the protocol says to a client that the node gives up.
    [[nodiscard]] virtual WsFarewell farewell(Farewell why) const = 0;
    /// The text message before the Close frame 1009, which answers a message of more than `max_message` bytes; empty
    /// for none.
    [[nodiscard]] virtual std::string too_large(std::size_t max_message) const = 0;
};

struct WsLimits {
    /// Whether an outbox that is empty can take an event with a body of so many bytes. Escapes make an event up to six
    /// times as large on its way as its app counts it, and whose outbox is too small would be closed for it.
    // a header, and a channel in JSON
    [[nodiscard]] bool fits(std::size_t body) const { return body + 512 <= outbox.max_bytes; }

    OutboxLimits outbox;
    bool deflates = false;  ///< clients that offer permessage-deflate get it
};

/// What one connection begins with.
struct WsBeginning {
    std::size_t max_message = 0;  ///< more, once it is decompressed: close 1009
    std::string subprotocol{};    ///< that the answer names; empty for none
};

/// One WebSocket: Beast's stream over the outbox of a StreamConnection.
///
/// Thread: the reactor's.
/// Limits: see WsLimits. A message past max_message: close 1009. Too many fragments or control frames: close 1008.
/// Errors: none are reported but by on_gone.
class WsConnection final : public StreamConnection, private OutboxSink {
public:
    /// `limits` and the handler must outlive the connection.
    WsConnection(Reactor& reactor, WsHandler& handler, Socket socket, Peer peer, const WsLimits& limits);

    /// Enters the reactor and answers the upgrade, which the gate has let pass. What is thrown after the connection has
    /// entered ends the connection; what is thrown before comes out, and nothing has been counted.
    void start(UpgradeRequest& request, WsBeginning beginning);
    [[nodiscard]] const std::string& target() const { return target_; }
    [[nodiscard]] const WsLimits& limits() const { return limits_; }
    /// What a message may have from the next one on; more: close 1009.
    void limit_message(std::size_t max_message);

    void send_text(std::string_view text);
    /// Ends the connection after all that was sent before.
    void close(std::uint16_t code, std::string_view reason);
    /// As StreamConnection, and a message that has come in part, compressed or not.
    [[nodiscard]] std::size_t memory() const override {
        const FrameInflater* inflater = stream_.next_layer().inflater();
        return StreamConnection::memory() + buffer_.capacity() + (inflater == nullptr ? 0 : inflater->memory());
    }
    /// Why a client is read no further: the hub has no room for what it says, or it says it faster than it may.
    enum class Pause : std::uint8_t { kHub = 1, kRate = 2 };
    /// Reads no further message until no reason is left.
    void pause(Pause why) { paused_ |= static_cast<unsigned>(why); }
    void resume(Pause why);

private:
    Socket& socket() override { return stream_.next_layer().socket(); }
    std::size_t frame_size(std::string_view bytes) const override;
    void say_farewell(Farewell why) override;
    void on_left() override { handler_.on_gone(*this); }
    void on_session_deadline() override { handler_.on_session_deadline(*this); }
    void on_drain() override { handler_.on_drain(*this); }
    void at_turn_end() override;

    void queue_control(std::string_view bytes) override;
    void on_received(std::string_view bytes) override;
    void on_exception(const std::exception& error) override { reactor().fail(*this, error); }
    void accept(UpgradeRequest& request);
    void on_accepted(const boost::system::error_code& error);
    void read();
    void on_read(const boost::system::error_code& error);
    void on_message();
    void give_up_flooding();
    void tell_corrupt();
    void tell_too_large();
    /// By a Close frame, also one whose code Beast does not know.
    [[nodiscard]] bool is_orderly(const boost::system::error_code& error) const;

    WsHandler& handler_;
    const WsLimits& limits_;
    unsigned paused_ = 0;  ///< bits of Pause
    bool is_reading_ = false;
    FrameGuard::Verdict verdict_ = FrameGuard::Verdict::kFine;
    std::size_t max_message_ = 0;
    FrameGuard guard_;
    boost::beast::websocket::stream<OutboxStream, false> stream_;
    boost::beast::flat_buffer buffer_;
    std::string target_;                     ///< until the connection is open
    std::unique_ptr<UpgradeAnswer> answer_;  ///< as long
};

}  // namespace tulle::node
