#include "node/edge/stream_connection.hpp"

#include <algorithm>
#include <optional>

#include "node/core/limits.hpp"
#include "node/edge/outbox_writer.hpp"

namespace tulle::node {

static_assert(kShedTimeout < kLingerTimeout && kLingerTimeout < kWriteTimeout);
static_assert(kMinShedBytes < kMaxOutboxBytes);

StreamConnection::StreamConnection(Reactor& reactor, const Socket& socket, Peer peer, const OutboxLimits& limits)
    : obstacles_(socket.cipher() == nullptr ? 0 : kIsSecured),
      // native_handle() is not const in Asio.
      socket_(const_cast<Socket&>(socket).native_handle()),
      outbox_(limits),
      reactor_(reactor),
      limits_(limits),
      cipher_(socket.cipher()),
      peer_(std::move(peer)) {
    if (cipher_ != nullptr) {
        cipher_->sealed().limit_by(limits);
    }
}

void StreamConnection::enter() {
    // From here on the reactor keeps the connection alive.
    reactor_.add(shared_from_this());
    reactor_.counters().clients.add();
    reactor_.counters().clients_opened_total.add();
}

void StreamConnection::open() {
    state_ = State::kOpen;
    limit_state(Instant::max());
}

void StreamConnection::limit_state(Instant deadline) {
    state_deadline_ = deadline;
    arm();
}

void StreamConnection::send(const SlabRange& frames, std::size_t count) {
    // A client that is too slow gets no more frames: a frame after a lost frame would be a gap without a word.
    if (state_ != State::kOpen || is_too_slow_) {
        return;
    }
    try {
        if (outbox_.push(frames) == Room::kFull) {
            queue_after_write(frames);
        }
    } catch (const std::exception& error) {
        // Thrown by the outbox or by writing. The exception must not reach the fan-out, whose other subscribers still
        // want the frames.
        reactor_.fail(*this, error);
    }
    reactor_.counters().messages_sent_total.add(count);
    reactor_.mark_dirty(*this);
}

/// Writes, then queues. A large burst may merely not have been written yet: only a client that does not take the burst
/// is too slow.
void StreamConnection::queue_after_write(const SlabRange& frames) {
    write_out();
    if (outbox_.push(frames) == Room::kFull) {
        is_too_slow_ = true;
        // The client is given up at the end of the turn: the caller may be walking over a list of subscribers that an
        // end would change.
        reactor_.call_at_turn_end(*this);
    }
}

void StreamConnection::push_last(std::string_view bytes) {
    outbox_.push_last(reactor_.arena().append({bytes}));
    reactor_.mark_dirty(*this);
}

void StreamConnection::queue_bounded(std::string_view bytes) {
    if (outbox_.bytes() + bytes.size() > limits_.max_bytes + kOutboxReserveBytes) {
        is_too_slow_ = true;
        reactor_.call_at_turn_end(*this);
        reactor_.mark_dirty(*this);
    } else {
        push_last(bytes);
    }
}

void StreamConnection::begin_closing() {
    state_ = State::kClosing;
    // The protocol's deadlines end here; the time for closing holds.
    session_deadline_ = Instant::max();
    limit_state(reactor_.now() + kCloseTimeout);
}

void StreamConnection::set_session_deadline(Instant deadline) {
    if (state_ == State::kOpen) {
        session_deadline_ = deadline;
        arm();
    }
}

void StreamConnection::arm() {
    const Instant deadline = std::min({session_deadline_, state_deadline_, write_deadline()});
    if (deadline == Instant::max()) {
        reactor_.disarm(slot());
    } else {
        reactor_.arm(slot(), deadline);
    }
}

void StreamConnection::on_deadline(Instant now) {
    if (state_ == State::kGone) {
        return;
    }
    // The time for the present state is over: handshake, close or lingering.
    if (now >= state_deadline_) {
        cut();
        return;
    }
    // Only an open client is given up: a client that is being closed has its deadline already.
    if (state_ == State::kOpen && now >= write_deadline()) {
        give_up(Farewell::kSlow);
    } else if (now >= session_deadline_) {
        // Cleared first: the protocol may set the next deadline.
        session_deadline_ = Instant::max();
        on_session_deadline();
    }
    // A deadline that came early, or any further deadline, is armed again.
    if (state_ != State::kGone) {
        arm();
    }
}

void StreamConnection::on_turn_end(Instant) {
    if (is_too_slow_ && state_ == State::kOpen) {
        give_up(Farewell::kSlow);
    }
    at_turn_end();
    end_if_done();
}

Instant StreamConnection::write_deadline() const {
    // An outbox has a deadline only while the peer takes no bytes.
    const Instant deadline = outbox_.deadline().value_or(Instant::max());
    return cipher_ == nullptr ? deadline : std::min(deadline, cipher_->sealed().deadline().value_or(Instant::max()));
}

void StreamConnection::take_write(std::vector<WriteJob>& jobs) {
    if (obstacles_ == 0 && !outbox_.empty()) {
        // A finishing connection wants any outcome: lingering begins with the last byte.
        jobs.emplace_back(outbox_, socket_, this, state_ == State::kFinishing);
    } else if (obstacles_ == kIsSecured) {
        take_secured_write(jobs);
    }
}

void StreamConnection::take_secured_write(std::vector<WriteJob>& jobs) {
    if (!cipher_->seal(outbox_)) {
        obstacles_ |= kIsBroken;
        reactor_.call_at_turn_end(*this);
    } else if (!cipher_->sealed().empty()) {
        // With bytes left in plain text the connection wants any outcome as well: the next bytes are sealed then.
        const bool is_told = state_ == State::kFinishing || !outbox_.empty();
        jobs.emplace_back(cipher_->sealed(), socket_, this, is_told);
    }
}

Written StreamConnection::write_secured() {
    for (;;) {
        if (!cipher_->seal(outbox_)) {
            return Written::kBroken;
        }
        if (cipher_->sealed().empty()) {
            return Written::kAll;
        }
        if (const Written written = write_outbox(socket_, cipher_->sealed()); written != Written::kAll) {
            return written;
        }
    }
}

void StreamConnection::on_written(Written written) {
    take_outcome(written);
    end_if_done();
}

void StreamConnection::end_if_done() {
    if (has(kIsBroken)) {
        end();
    } else if (state_ == State::kFinishing && is_all_written()) {
        linger();
    }
}

/// Drops the waiting bytes, except the frame of which the client has got a part, and queues the last words, which the
/// client may yet read.
void StreamConnection::give_up(Farewell why) {
    if (why == Farewell::kSlow) {
        reactor_.counters().slow_clients_total.add();
    }
    is_given_up_ = true;
    // The edge must not send to the client from here on.
    leave();
    outbox_.keep_started_frame_only([this](std::string_view bytes) { return frame_size(bytes); });
    say_farewell(why);
    reactor_.mark_dirty(*this);
}

void StreamConnection::shed() {
    if (is_shed_ || (state_ != State::kOpen && state_ != State::kClosing)) {
        return;
    }
    is_shed_ = true;
    reactor_.counters().shed_clients_total.add();
    // A closing connection has had its last words; only the time is cut.
    if (state_ == State::kOpen) {
        give_up(Farewell::kNoRoom);
    }
    is_given_up_ = true;
    limit_state(std::min(state_deadline_, reactor_.now() + kShedTimeout));
}

void StreamConnection::write_out() {
    // The socket takes no bytes: a write would only fail again.
    if (has(kWaitsWritable | kIsBroken)) {
        return;
    }
    const std::size_t before = outbox_.bytes();
    const Written written = cipher_ == nullptr ? write_outbox(socket_, outbox_) : write_secured();
    reactor_.counters().bytes_sent_total.add(before - outbox_.bytes());
    take_outcome(written);
}

void StreamConnection::take_outcome(Written written) {
    if (written == Written::kBlocked) {
        // With a cipher the waiting bytes may all be in one of the two outboxes.
        if (!outbox_.empty()) {
            outbox_.on_blocked(reactor_.now());
        }
        if (cipher_ != nullptr && !cipher_->sealed().empty()) {
            cipher_->sealed().on_blocked(reactor_.now());
        }
        arm();
        wait_writable();
    } else if (written == Written::kBroken) {
        obstacles_ |= kIsBroken;
        // Not ended here: the caller may be in the middle of a fan-out.
        reactor_.call_at_turn_end(*this);
    } else if (cipher_ != nullptr && !outbox_.empty()) {
        // The kernel has what was sealed, and takes the next part of the outbox.
        reactor_.mark_dirty(*this);
    }
}

void StreamConnection::wait_writable() {
    // The socket stays non-blocking; a single wait serves any number of frames queued meanwhile.
    obstacles_ |= kWaitsWritable;
    socket().async_wait(boost::asio::socket_base::wait_write, guarded([this](const boost::system::error_code& error) {
                            obstacles_ &= static_cast<std::uint8_t>(~kWaitsWritable);
                            if (state_ != State::kGone && !error) {
                                reactor_.mark_dirty(*this);
                            }
                        }));
}

void StreamConnection::drain(Instant) {
    if (state_ == State::kOpen) {
        on_drain();
    } else if (state_ == State::kOpening) {
        // Without a handshake there is nobody to speak to.
        end();
    }
}

void StreamConnection::cut() {
    if (state_ == State::kClosing || state_ == State::kFinishing) {
        reactor_.counters().clients_cut_total.add();
    }
    end();
}

void StreamConnection::leave() {
    if (!has_left_) {
        // An exception has on_failure call leave() again, so has_left_ must stay false until here: the edge must not
        // keep this connection.
        on_left();
        has_left_ = true;
        reactor_.counters().clients.sub();
        reactor_.counters().clients_closed_total.add();
    }
}

void StreamConnection::finish_with(std::string_view bytes) {
    if (state_ == State::kOpen) {
        push_last(bytes);
        begin_closing();
        finish();
    }
}

void StreamConnection::finish() {
    if (is_ended()) {
        return;
    }
    leave();
    state_ = State::kFinishing;
    session_deadline_ = Instant::max();
    // A shed connection keeps its shorter deadline.
    limit_state(is_shed_ ? state_deadline_ : reactor_.now() + kLingerTimeout);
    reactor_.call_at_turn_end(*this);
    if (cipher_ != nullptr) {
        // Bytes of the cipher's own, a ticket for example, may wait although nothing was queued here.
        reactor_.mark_dirty(*this);
    }
}

void StreamConnection::linger() {
    state_ = State::kLingering;
    socket().say_end();
    // Such a peer leaves no byte unread, so closing destroys nothing.
    if (has_peer_closed_ || linger_.begin(socket_)) {
        end();
    } else {
        wait_to_linger();
    }
}

void StreamConnection::wait_to_linger() {
    // Below the cipher: the bytes are thrown away as they come.
    socket().tcp().async_wait(boost::asio::socket_base::wait_read,
                              guarded([this](const boost::system::error_code& error) {
                                  // The state may have changed during the wait.
                                  if (state_ != State::kLingering) {
                                      return;
                                  }
                                  if (error || linger_.on_readable(socket_)) {
                                      end();
                                  } else {
                                      wait_to_linger();
                                  }
                              }));
}

void StreamConnection::end() {
    if (state_ == State::kGone) {
        return;
    }
    leave();
    state_ = State::kGone;
    // Bytes for a client that does not read would stay in the kernel for minutes.
    if (is_given_up_ && has(kWaitsWritable)) {
        reset_on_close(socket_);
    }
    outbox_.clear();
    // The limits get their counts back now: handlers may keep the object alive for a while.
    peer_.leave();
    boost::system::error_code ignored;
    socket().close(ignored);
    reactor_.remove(slot());
}

}  // namespace tulle::node
