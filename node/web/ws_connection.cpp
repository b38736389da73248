#include "node/web/ws_connection.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <boost/asio/bind_executor.hpp>
#include <boost/beast/websocket/error.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include "node/web/core/limits.hpp"
#include "node/web/core/ws_frame.hpp"
#include "node/web/ws_words.hpp"

namespace tulle::node {
namespace {

namespace websocket = boost::beast::websocket;

// Bytes of the read buffer that are held between messages. The memory of a larger message is given back after the
// message.
constexpr std::size_t kIdleBufferBytes = 512;
// Bytes beyond the limit of a message, because Beast asks for more room before Beast checks the limit.
constexpr std::size_t kReadAheadBytes = 64u << 10;
// The payload of a control frame has at most 125 bytes, two of them for the code (RFC 6455, 5.5).
constexpr std::size_t kMaxCloseReasonBytes = 123;
// Bytes for the headers of the blocks in a short compressed message.
constexpr std::size_t kDeflateSlackBytes = 64;
// The status with which Beast answers an upgrade.
constexpr std::uint16_t kSwitchingProtocols = 101;

/// Bytes that the frames of a compressed message may announce: a little more than the bytes that may come out, as
/// compression makes incompressible data grow. Without this limit a client could send empty blocks for ever.
std::uint64_t max_deflated(std::size_t max_message) {
    return max_message + max_message / 8 + kDeflateSlackBytes;
}

}  // namespace

WsConnection::WsConnection(Reactor& reactor, WsHandler& handler, Socket socket, Peer peer, const WsLimits& limits)
    : StreamConnection(reactor, socket, std::move(peer), limits.outbox),
      handler_(handler),
      limits_(limits),
      stream_(OutboxStream(std::move(socket), *this)),
      buffer_(kReadAheadBytes) {}

void WsConnection::limit_message(std::size_t max_message) {
    max_message_ = max_message;
    stream_.read_message_max(max_message);
    if (limits_.deflates) {
        guard_.limit_deflated(max_deflated(max_message));
    }
    if (FrameInflater* inflater = stream_.next_layer().inflater()) {
        inflater->limit(max_message);
    }
    // The buffer's limit only grows: a message in work may hold more than a lower limit allows.
    buffer_.max_size(std::max(max_message + kReadAheadBytes, buffer_.max_size()));
}

void WsConnection::start(UpgradeRequest& request, WsBeginning beginning) {
    // Everything after enter() is guarded: an exception then ends the connection as an exception in any handler does.
    enter();
    reactor().guard(*this, [&] {
        limit_message(beginning.max_message);
        answer_ = std::make_unique<UpgradeAnswer>(UpgradeAnswer{std::move(beginning.subprotocol)});
        accept(request);
    });
}

void WsConnection::accept(UpgradeRequest& request) {
    target_ = std::string(request.target());
    limit_state(reactor().now() + kHandshakeTimeout);
    // Close frames are no activity. Beast answers pings by itself through queue_control.
    stream_.control_callback([this](websocket::frame_type kind, boost::beast::string_view) {
        if (kind != websocket::frame_type::close && !has_left() && state() == State::kOpen) {
            handler_.on_activity(*this, kind == websocket::frame_type::ping);
        }
    });
    // Compression is dealt with below Beast: the inflater shows Beast plain messages, and the fan-out recodes ours.
    take_offers(request, limits_.deflates, *answer_);
    if (!answer_->extensions.empty()) {
        stream_.next_layer().begin_to_inflate().limit(max_message_);
        if (answer_->has_full_window) {
            want_recoded();
        }
    }
    stream_.set_option(websocket::stream_base::decorator(
        [this](websocket::response_type& response) { write_answer(*answer_, response); }));
    stream_.async_accept(request, guarded([this](const boost::system::error_code& error) { on_accepted(error); }));
}

void WsConnection::on_accepted(const boost::system::error_code& error) {
    // The connection may have ended while the answer was on its way, for example by its deadline.
    if (state() != State::kOpening) {
        return;
    }
    if (error) {
        finish();
        return;
    }
    reactor().counters().http_responses.add(kSwitchingProtocols);
    open();
    handler_.on_open(*this);
    // Target and answer are needed for the handshake alone; thousands of open connections save their memory.
    target_ = {};
    answer_.reset();
    read();
}

void WsConnection::read() {
    is_reading_ = true;
    // The hint is the length in the frame's header, up to 2^63 bytes. The buffer holds max_message_ bytes at most when
    // a read begins, so there is always room for Beast to find out that a message is too large.
    const std::size_t hint = buffer_.size() == 0 ? kIdleBufferBytes : stream_.read_size_hint(buffer_);
    const std::size_t room = std::min(hint, buffer_.max_size() - buffer_.size());
    auto handler = guarded([this](const boost::system::error_code& error, std::size_t bytes) {
        is_reading_ = false;
        buffer_.commit(bytes);
        on_read(error);
    });
    // The next message may have come together with the last message. Beast then posts the handler, and the reactor runs
    // such a handler without asking the kernel for events first.
    stream_.async_read_some(buffer_.prepare(room),
                            boost::asio::bind_executor(reactor().ready_executor(), std::move(handler)));
}

void WsConnection::on_read(const boost::system::error_code& error) {
    if (is_ended()) {
        return;
    }
    if (!error) {
        // A read returns parts of a message too.
        if (stream_.is_message_done()) {
            on_message();
        } else {
            read();
        }
        return;
    }
    if (is_orderly(error)) {
        note_peer_closed();
        // Beast has queued its Close frame for these errors through queue_control already.
    } else if (error == websocket::condition::protocol_violation || error == websocket::error::message_too_big) {
        reactor().counters().bad_frames_total.add();
    } else if (error == OutboxStream::kCorrupt) {
        tell_corrupt();
    }
    finish();
}

void WsConnection::on_message() {
    // Messages that come after our Close frame are read and dropped, as the peer's Close frame follows them.
    if (state() == State::kOpen) {
        reactor().counters().messages_received_total.add();
        reactor().counters().bytes_received_total.add(buffer_.size());
        handler_.on_text(*this, {static_cast<const char*>(buffer_.data().data()), buffer_.size()});
    }
    buffer_.consume(buffer_.size());
    if (buffer_.capacity() > kIdleBufferBytes) {
        buffer_.shrink_to_fit();
    }
    // A paused client is not read, so that TCP slows the client down.
    if (paused_ == 0 && state() != State::kGone) {
        read();
    }
}

bool WsConnection::is_orderly(const boost::system::error_code& error) const {
    return error == websocket::error::closed ||
           (error == websocket::error::bad_close_code && guard_.closed_by_gateway());
}

void WsConnection::tell_corrupt() {
    reactor().counters().bad_frames_total.add();
    if (state() == State::kOpen) {
        queue_control(kCorruptFrame);
    }
}

void WsConnection::resume(Pause why) {
    if (paused_ != 0) {
        paused_ &= ~static_cast<unsigned>(why);
        // A read that began before the pause goes on; its handler reads further messages.
        if (paused_ == 0 && !is_reading_ && (state() == State::kOpen || state() == State::kClosing)) {
            read();
        }
    }
}

void WsConnection::send_text(std::string_view text) {
    if (state() == State::kOpen) {
        send(reactor().arena().append({TextFrameHeader(text.size()).view(), text}), 1);
    }
}

void WsConnection::queue_control(std::string_view bytes) {
    if (state() == State::kGone || bytes.empty()) {
        return;
    }
    // The protocol's text goes before Beast's Close frame. After a Close frame of the peer with 1009, the frame here is
    // the echo of the peer's frame.
    if (bytes == kTooLargeFrame && !guard_.is_closed()) {
        tell_too_large();
    }
    if (bytes == kProtocolErrorFrame && guard_.closed_by_gateway()) {
        // Beast takes 1014 for a wrong code; the answer carries the code of the peer's frame.
        bytes = kGatewayFrame;
    }
    if (const std::optional<std::uint16_t> code = close_code(bytes)) {
        // An echo of the peer's frame: Beast answers a frame without a code by 1000.
        note_close(guard_.close_code() != 0 ? guard_.close_code() : *code);
    }
    queue_bounded(bytes);
}

void WsConnection::on_received(std::string_view bytes) {
    if (state() != State::kOpen || verdict_ != FrameGuard::Verdict::kFine) {
        return;
    }
    verdict_ = guard_.on_bytes(reactor().now(), bytes);
    if (verdict_ != FrameGuard::Verdict::kFine) {
        // The connection is not closed here: Beast's read is on the stack and works on the bytes.
        reactor().call_at_turn_end(*this);
    }
}

void WsConnection::close(std::uint16_t code, std::string_view reason) {
    if (state() != State::kOpen) {
        return;
    }
    note_close(code);
    begin_closing();
    websocket::close_reason why(code);
    why.reason.assign(reason.data(), std::min(reason.size(), kMaxCloseReasonBytes));
    // Beast also waits for the peer's Close frame; the deadline of begin_closing bounds the wait.
    stream_.async_close(why, guarded([this](const boost::system::error_code& error) {
                            if (!error) {
                                note_peer_closed();
                            }
                            finish();
                        }));
}

void WsConnection::on_left() {
    handler_.on_gone(*this);
    reactor().counters().closed.add(close_code_ == 0 ? kNoCloseFrame : close_code_);
}

void WsConnection::at_turn_end() {
    if (verdict_ != FrameGuard::Verdict::kFine && state() == State::kOpen) {
        give_up_flooding();
    }
}

std::size_t WsConnection::frame_size(std::string_view bytes) const {
    return node::frame_size(bytes);
}

/// An error event goes before the Close frame, because client libraries show error events to programs, and tell little
/// about a close code.
void WsConnection::say_farewell(Farewell why) {
    const WsFarewell last = handler_.farewell(why);
    if (!last.text.empty()) {
        push_last(std::string(TextFrameHeader(last.text.size()).view()) + last.text);
    }
    close(last.code, last.reason);
}

void WsConnection::tell_too_large() {
    if (const std::string text = handler_.too_large(max_message_); !text.empty()) {
        send_text(text);
    }
}

void WsConnection::give_up_flooding() {
    const bool is_too_large = verdict_ == FrameGuard::Verdict::kTooLarge;
    reactor().counters().bad_frames_total.add();
    if (is_too_large) {
        tell_too_large();
    }
    // The handler forgets the client at once. on_gone comes before the Close frame, so that nothing more is sent.
    note_close(is_too_large ? kTooLargeCode : kFloodCode);
    leave();
    close(is_too_large ? kTooLargeCode : kFloodCode, is_too_large ? kTooLargeReason : kFloodReason);
}

}  // namespace tulle::node
