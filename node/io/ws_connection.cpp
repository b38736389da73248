#include "node/io/ws_connection.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include <sys/socket.h>

#include <boost/asio/bind_executor.hpp>
#include <boost/beast/websocket/error.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

#include "node/core/limits.hpp"
#include "node/core/ws_frame.hpp"
#include "node/io/outbox_writer.hpp"
#include "node/io/ws_words.hpp"
#include "node/protocol/pusher/codec.hpp"

namespace tulle::node {
namespace {

namespace websocket = boost::beast::websocket;

// held for the next message; what a larger one needed is given back after it
constexpr std::size_t kIdleBufferBytes = 512;
constexpr std::size_t kReadAheadBytes = 64u << 10;  // Beast asks for more than the message's limit before it checks
constexpr std::size_t kMaxCloseReasonBytes = 123;   // RFC 6455, 5.5
constexpr std::size_t kDeflateSlackBytes = 64;      // of the blocks that a compressed message is made of

/// What the frames of a compressed message may announce: a little more than what may come out of them, as data that
/// cannot be compressed grows. Without this a client could send empty blocks for ever.
std::uint64_t max_deflated(std::size_t max_message) {
    return max_message + max_message / 8 + kDeflateSlackBytes;
}

}  // namespace

template <class Handler>
auto WsConnection::guarded(Handler handler) {
    return [me = self(), handler = std::move(handler)](auto... arguments) mutable {
        me->reactor_.guard(*me, [&] { handler(*me, arguments...); });
    };
}

WsConnection::WsConnection(Reactor& reactor, WsHandler& handler, Socket socket, Peer peer, const WsLimits& limits)
    : socket_(socket.native_handle()),
      outbox_(limits.outbox),
      reactor_(reactor),
      handler_(handler),
      limits_(limits),
      peer_(std::move(peer)),
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
    buffer_.max_size(std::max(max_message + kReadAheadBytes, buffer_.max_size()));
}

std::shared_ptr<WsConnection> WsConnection::self() {
    return std::static_pointer_cast<WsConnection>(shared_from_this());
}

void WsConnection::start(UpgradeRequest& request, WsBeginning beginning) {
    reactor_.add(shared_from_this());
    reactor_.counters().clients.add();
    reactor_.counters().clients_opened_total.add();
    reactor_.guard(*this, [&] {
        limit_message(beginning.max_message);
        answer_ = std::make_unique<UpgradeAnswer>(UpgradeAnswer{std::move(beginning.subprotocol)});
        accept(request);
    });
}

void WsConnection::accept(UpgradeRequest& request) {
    target_ = std::string(request.target());
    state_deadline_ = reactor_.now() + kHandshakeTimeout;
    arm();
    stream_.control_callback([this](websocket::frame_type kind, boost::beast::string_view) {
        if (kind != websocket::frame_type::close && !has_left_ && state_ == State::kOpen) {
            handler_.on_activity(*this, kind == websocket::frame_type::ping);
        }
    });
    take_offers(request, limits_.deflates, *answer_);
    if (!answer_->extensions.empty()) {
        stream_.next_layer().begin_to_inflate().limit(max_message_);
        is_deflating_ = answer_->has_full_window;
    }
    stream_.set_option(websocket::stream_base::decorator(
        [this](websocket::response_type& response) { write_answer(*answer_, response); }));
    stream_.async_accept(
        request, guarded([](WsConnection& me, const boost::system::error_code& error) { me.on_accepted(error); }));
}

void WsConnection::on_accepted(const boost::system::error_code& error) {
    if (state_ != State::kOpening) {
        return;
    }
    if (error) {
        finish();
        return;
    }
    state_ = State::kOpen;
    state_deadline_ = Instant::max();
    arm();
    handler_.on_open(*this);
    target_ = {};
    answer_.reset();
    read();
}

void WsConnection::read() {
    is_reading_ = true;
    // The hint is what the frame's header announces, up to 2^63 bytes. More than the limit of a message is never
    // there (max_message_ at most), so that there is always room to find out that it is too large.
    const std::size_t hint = buffer_.size() == 0 ? kIdleBufferBytes : stream_.read_size_hint(buffer_);
    const std::size_t room = std::min(hint, buffer_.max_size() - buffer_.size());
    auto handler = guarded([](WsConnection& me, const boost::system::error_code& error, std::size_t bytes) {
        me.is_reading_ = false;
        me.buffer_.commit(bytes);
        me.on_read(error);
    });
    // Beast posts the handler when the next message came with the last one.
    stream_.async_read_some(buffer_.prepare(room),
                            boost::asio::bind_executor(reactor_.ready_executor(), std::move(handler)));
}

void WsConnection::on_read(const boost::system::error_code& error) {
    if (state_ == State::kGone || state_ == State::kFinishing || state_ == State::kLingering) {
        return;
    }
    if (error) {
        has_peer_closed_ = is_orderly(error);
        if (has_peer_closed_) {
            finish();
            return;
        }
        if (error == websocket::condition::protocol_violation || error == websocket::error::message_too_big) {
            reactor_.counters().bad_frames_total.add();
        }
        if (error == OutboxStream::kCorrupt) {
            tell_corrupt();
        }
        finish();
        return;
    }
    if (!stream_.is_message_done()) {
        read();
        return;
    }
    if (state_ == State::kOpen) {
        reactor_.counters().messages_received_total.add();
        reactor_.counters().bytes_received_total.add(buffer_.size());
        handler_.on_text(*this, {static_cast<const char*>(buffer_.data().data()), buffer_.size()});
    }
    buffer_.consume(buffer_.size());
    if (buffer_.capacity() > kIdleBufferBytes) {
        buffer_.shrink_to_fit();
    }
    if (paused_ == 0 && state_ != State::kGone) {
        read();
    }
}

bool WsConnection::is_orderly(const boost::system::error_code& error) const {
    return error == websocket::error::closed ||
           (error == websocket::error::bad_close_code && guard_.closed_by_gateway());
}

void WsConnection::tell_corrupt() {
    reactor_.counters().bad_frames_total.add();
    if (state_ == State::kOpen) {
        queue_control(kCorruptFrame);
    }
}

void WsConnection::resume(Pause why) {
    if (paused_ != 0) {
        paused_ &= ~static_cast<unsigned>(why);
        if (paused_ == 0 && !is_reading_ && (state_ == State::kOpen || state_ == State::kClosing)) {
            read();
        }
    }
}

void WsConnection::send_text(std::string_view text) {
    if (state_ == State::kOpen) {
        send(reactor_.arena().append({TextFrameHeader(text.size()).view(), text}), 1);
    }
}

void WsConnection::send(const SlabRange& frames, std::size_t count) {
    if (state_ != State::kOpen || is_too_slow_) {
        return;
    }
    try {
        if (outbox_.push(frames) == Room::kFull) {
            queue_after_write(frames);
        }
    } catch (const std::exception& error) {
        reactor_.fail(*this, error);
    }
    reactor_.counters().messages_sent_total.add(count);
    reactor_.mark_dirty(*this);
}

/// A large burst may just not have been written yet.
void WsConnection::queue_after_write(const SlabRange& frames) {
    write_out();
    if (outbox_.push(frames) == Room::kFull) {
        is_too_slow_ = true;
        reactor_.call_at_turn_end(*this);
    }
}

void WsConnection::queue_control(std::string_view bytes) {
    if (state_ == State::kGone || bytes.empty()) {
        return;
    }
    if (bytes == kTooLargeFrame && !guard_.is_closed()) {  // else it is the peer's own, sent back
        tell_too_large();
    }
    if (bytes == kProtocolErrorFrame && guard_.closed_by_gateway()) {
        bytes = kGatewayFrame;  // Beast takes the code for a wrong one
    }
    if (outbox_.bytes() + bytes.size() > limits_.outbox.max_bytes + kOutboxReserveBytes) {
        is_too_slow_ = true;  // pings without end, and never reading our answers
        reactor_.call_at_turn_end(*this);
    } else {
        outbox_.push_last(reactor_.arena().append({bytes}));
    }
    reactor_.mark_dirty(*this);
}

void WsConnection::on_received(std::string_view bytes) {
    if (state_ != State::kOpen || verdict_ != FrameGuard::Verdict::kFine) {
        return;
    }
    verdict_ = guard_.on_bytes(reactor_.now(), bytes);
    if (verdict_ != FrameGuard::Verdict::kFine) {
        reactor_.call_at_turn_end(*this);
    }
}

void WsConnection::close(std::uint16_t code, std::string_view reason) {
    if (state_ != State::kOpen) {
        return;
    }
    state_ = State::kClosing;
    state_deadline_ = reactor_.now() + kCloseTimeout;
    session_deadline_ = Instant::max();
    arm();
    websocket::close_reason why(code);
    why.reason.assign(reason.data(), std::min(reason.size(), kMaxCloseReasonBytes));
    stream_.async_close(why, guarded([](WsConnection& me, const boost::system::error_code& error) {
                            me.has_peer_closed_ = me.has_peer_closed_ || !error;
                            me.finish();
                        }));
}

void WsConnection::set_session_deadline(Instant deadline) {
    if (state_ == State::kOpen) {
        session_deadline_ = deadline;
        arm();
    }
}

void WsConnection::arm() {
    const Instant deadline =
        std::min({session_deadline_, state_deadline_, outbox_.deadline().value_or(Instant::max())});
    if (deadline == Instant::max()) {
        reactor_.disarm(slot());
    } else {
        reactor_.arm(slot(), deadline);
    }
}

void WsConnection::on_deadline(Instant now) {
    if (state_ == State::kGone) {
        return;
    }
    if (now >= state_deadline_) {
        cut();
        return;
    }
    const std::optional<Instant> write_deadline = outbox_.deadline();
    if (state_ == State::kOpen && write_deadline && now >= *write_deadline) {
        give_up_slow();
    } else if (now >= session_deadline_) {
        session_deadline_ = Instant::max();
        handler_.on_session_deadline(*this);
    }
    if (state_ != State::kGone) {
        arm();
    }
}

void WsConnection::on_turn_end(Instant) {
    if (is_too_slow_ && state_ == State::kOpen) {
        give_up_slow();
    }
    if (verdict_ != FrameGuard::Verdict::kFine && state_ == State::kOpen) {
        give_up_flooding();
    }
    end_if_done();
}

void WsConnection::take_write(std::vector<WriteJob>& jobs) {
    if (!waits_writable_ && !is_broken_ && !outbox_.empty()) {
        jobs.emplace_back(outbox_, socket_, this, state_ == State::kFinishing);
    }
}

void WsConnection::on_written(Written written) {
    take_outcome(written);
    end_if_done();
}

void WsConnection::end_if_done() {
    if (is_broken_) {
        end();
    } else if (state_ == State::kFinishing && outbox_.empty()) {
        linger();
    }
}

void WsConnection::give_up_slow() {
    reactor_.counters().slow_clients_total.add();
    give_up(kSlowReason);
}

/// Drops what the client did not take, but for the frame that it has got a part of, and tells it why in what it may yet
/// read.
void WsConnection::give_up(std::string_view reason) {
    is_given_up_ = true;
    leave();
    outbox_.keep_started_frame_only();
    const std::string error = pusher::error_frame({kSlowCode, reason});
    outbox_.push_last(reactor_.arena().append({TextFrameHeader(error.size()).view(), error}));
    close(kSlowCode, reason);
    reactor_.mark_dirty(*this);
}

void WsConnection::shed() {
    if (is_shed_ || (state_ != State::kOpen && state_ != State::kClosing)) {
        return;
    }
    is_shed_ = true;
    reactor_.counters().shed_clients_total.add();
    if (state_ == State::kOpen) {
        give_up(kShedReason);
    }
    is_given_up_ = true;
    state_deadline_ = std::min(state_deadline_, reactor_.now() + kShedTimeout);
    arm();
}

/// Clients show an error event; of a close code they tell little.
void WsConnection::tell_too_large() {
    send_text(pusher::error_frame({kRejectedCode, "The message is larger than " + std::to_string(max_message_) +
                                                      " bytes, and the connection is closed"}));
}

void WsConnection::give_up_flooding() {
    reactor_.counters().bad_frames_total.add();
    if (verdict_ == FrameGuard::Verdict::kTooLarge) {
        tell_too_large();
    }
    leave();
    if (verdict_ == FrameGuard::Verdict::kTooLarge) {
        close(kTooLargeCode, kTooLargeReason);
    } else {
        close(kFloodCode, kFloodReason);
    }
}

void WsConnection::write_out() {
    if (waits_writable_ || is_broken_) {
        return;
    }
    const std::size_t before = outbox_.bytes();
    const Written written = write_outbox(socket_, outbox_);
    reactor_.counters().bytes_sent_total.add(before - outbox_.bytes());
    take_outcome(written);
}

void WsConnection::take_outcome(Written written) {
    if (written == Written::kBlocked) {
        outbox_.on_blocked(reactor_.now());
        arm();
        wait_writable();
    } else if (written == Written::kBroken) {
        is_broken_ = true;
        reactor_.call_at_turn_end(*this);
    }
}

void WsConnection::wait_writable() {
    waits_writable_ = true;
    stream_.next_layer().socket().async_wait(boost::asio::socket_base::wait_write,
                                             guarded([](WsConnection& me, const boost::system::error_code& error) {
                                                 me.waits_writable_ = false;
                                                 if (me.state_ != State::kGone && !error) {
                                                     me.reactor_.mark_dirty(me);
                                                 }
                                             }));
}

void WsConnection::drain(Instant) {
    if (state_ == State::kOpen) {
        handler_.on_drain(*this);
    } else if (state_ == State::kOpening) {
        end();
    }
}

/// A peer that has been told to close and has neither taken that nor answered is counted.
void WsConnection::cut() {
    if (state_ == State::kClosing || state_ == State::kFinishing) {
        reactor_.counters().clients_cut_total.add();
    }
    end();
}

void WsConnection::leave() {
    if (!has_left_) {
        // when that throws, on_failure calls it again: the handler must not keep this connection
        handler_.on_gone(*this);
        has_left_ = true;
        reactor_.counters().clients.sub();
        reactor_.counters().clients_closed_total.add();
    }
}

void WsConnection::finish() {
    if (state_ == State::kGone || state_ == State::kFinishing || state_ == State::kLingering) {
        return;
    }
    leave();
    state_ = State::kFinishing;
    session_deadline_ = Instant::max();
    if (!is_shed_) {
        state_deadline_ = reactor_.now() + kLingerTimeout;
    }
    arm();
    reactor_.call_at_turn_end(*this);
}

void WsConnection::linger() {
    state_ = State::kLingering;
    if (has_peer_closed_ || linger_.begin(socket_)) {
        end();
    } else {
        wait_to_linger();
    }
}

void WsConnection::wait_to_linger() {
    stream_.next_layer().socket().async_wait(boost::asio::socket_base::wait_read,
                                             guarded([](WsConnection& me, const boost::system::error_code& error) {
                                                 if (me.state_ == State::kLingering) {
                                                     me.go_on_lingering(bool(error));
                                                 }
                                             }));
}

void WsConnection::go_on_lingering(bool failed) {
    if (failed || linger_.on_readable(socket_)) {
        end();
    } else {
        wait_to_linger();
    }
}

void WsConnection::end() {
    if (state_ == State::kGone) {
        return;
    }
    leave();
    state_ = State::kGone;
    if (is_given_up_ && waits_writable_) {
        reset_on_close(socket_);
    }
    outbox_.clear();
    peer_.leave();
    beast_close_socket(stream_.next_layer());
    reactor_.remove(slot());
}

}  // namespace tulle::node
