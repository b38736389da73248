#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "node/core/outbox.hpp"
#include "node/edge/connection.hpp"
#include "node/edge/linger.hpp"
#include "node/edge/node_limits.hpp"
#include "node/edge/reactor.hpp"

namespace tulle::node {

/// The node's reason for ending the connection of a client that has done nothing wrong in its protocol.
enum class Farewell : std::uint8_t {
    /// The client does not take the waiting bytes.
    kSlow,
    /// The node has too little memory.
    kNoRoom
};

/// A client's connection in any protocol of frames: the waiting bytes (Outbox), writing to the kernel, the decision
/// about a client that is too slow, and the end of the connection.
///
/// A protocol derives from this class and reads from its socket. The protocol calls begin_closing() when its last words
/// are queued, and finish() when nothing more will come. The states follow each other in the order of State.
///
/// Thread: the reactor's.
/// Order:  frames leave in the order of the calls, at the end of the loop's turn.
/// Limits: the outbox's (OutboxLimits). A client past the limits is given up (Farewell::kSlow) at the end of the turn,
///         and counted.
/// Errors: on_left reports the end; nothing else is reported.
class StreamConnection : public Connection {
public:
    /// Asks the processor for the memory that send will need. A hint.
    void fetch() const {
        __builtin_prefetch(this, 1);
        __builtin_prefetch(&outbox_, 1);
    }

    /// Queues `frames`: `count` whole frames of the reactor's arena. Does nothing for a connection that is not open.
    /// Throws nothing: a connection without memory for its frames ends.
    void send(const SlabRange& frames, std::size_t count);
    /// True when the connection wants frames in the form of its edge's Recoder (Fanout).
    [[nodiscard]] bool is_recoded() const { return is_recoded_; }
    [[nodiscard]] const Peer& peer() const { return peer_; }
    /// Bytes of memory that are held for this client alone: the waiting bytes, and the client's share of the slabs kept
    /// in place. A protocol adds buffers of its own.
    [[nodiscard]] virtual std::size_t memory() const {
        return outbox_.pinned() + (cipher_ == nullptr ? 0 : cipher_->sealed().pinned());
    }
    /// Bytes that wait for the peer, without those that the kernel has taken.
    [[nodiscard]] std::size_t waiting_bytes() const {
        return outbox_.bytes() + (cipher_ == nullptr ? 0 : cipher_->sealed().bytes());
    }
    /// Ends the connection for want of memory, within kShedTimeout; bytes that the peer has not taken by then are
    /// thrown away. The time also holds for a connection that is being closed already.
    void shed();
    /// Has on_session_deadline called at `deadline`; Instant::max(): never. Does nothing unless the connection is open.
    void set_session_deadline(Instant deadline);

    void on_deadline(Instant now) final;
    void on_turn_end(Instant now) final;
    void take_write(std::vector<WriteJob>& jobs) final;
    void on_written(Written written) final;
    void drain(Instant now) final;
    void on_failure() final { end(); }
    /// Ends the connection at once. Counts a peer that has been told to close and has neither taken the word nor
    /// answered.
    void cut() final;

protected:
    enum class State : std::uint8_t {
        /// Not yet a client that frames may be sent to.
        kOpening,
        /// Frames are taken.
        kOpen,
        /// The last words are queued; the peer may answer until a deadline.
        kClosing,
        /// Nothing more will be queued; until everything is written.
        kFinishing,
        /// Until the peer has read everything.
        kLingering,
        /// The socket is closed, and the connection has left the reactor.
        kGone
    };

    /// `socket`: the socket before the derived class moves the socket to its place. `limits` must outlive the
    /// connection.
    StreamConnection(Reactor& reactor, const Socket& socket, Peer peer, const OutboxLimits& limits);

    /// Enters the reactor, and counts as a client from then on. An exception leaves nothing behind.
    void enter();
    /// The handshake of the protocol is over: frames are taken from here on.
    void open();
    /// No more frames are taken. The connection is cut unless finish() has come within kCloseTimeout.
    void begin_closing();
    /// Queues `bytes`, whole frames, as the last words and finishes. Does nothing unless the connection is open.
    void finish_with(std::string_view bytes);
    /// The client has left, or has been told everything: the waiting bytes are written, then the connection lingers and
    /// ends.
    void finish();
    /// The client has left, as far as the edge is concerned: calls on_left, once.
    void leave();
    /// Closes the socket and leaves the reactor at once, whatever waits.
    void end();
    /// Has the connection cut at `deadline`, unless the state changes before.
    void limit_state(Instant deadline);
    /// Queues whole frames that end the connection, past the limits of the outbox.
    void push_last(std::string_view bytes);
    /// Queues a whole frame in answer to a frame of the peer. A peer with more than kOutboxReserveBytes beyond the
    /// outbox's limit asks without end and never reads the answers: such a peer is given up.
    void queue_bounded(std::string_view bytes);
    /// Gives up an open client that is too slow by a rule of its protocol.
    void give_up_slow() { give_up(Farewell::kSlow); }
    /// Marks the connection for the Recoder, or takes the mark back. Call while the connection is in no Fanout.
    void want_recoded(bool wants = true) { is_recoded_ = wants; }
    /// The peer has said in its protocol that nothing more comes, so no byte of the peer is left unread, and lingering
    /// is needless.
    void note_peer_closed() { has_peer_closed_ = true; }

    [[nodiscard]] State state() const { return state_; }
    /// True when no more frames will be queued.
    [[nodiscard]] bool is_ended() const { return state_ >= State::kFinishing; }
    /// True after on_left.
    [[nodiscard]] bool has_left() const { return has_left_; }
    [[nodiscard]] Reactor& reactor() const { return reactor_; }

    /// Wraps a handler of this connection. The result keeps the connection alive; an exception of the handler ends the
    /// connection.
    template <class Handler>
    [[nodiscard]] auto guarded(Handler handler) {
        return [this, me = shared_from_this(), handler = std::move(handler)](auto... arguments) mutable {
            reactor_.guard(*this, [&] { handler(arguments...); });
        };
    }

    // The methods that a protocol provides.
    [[nodiscard]] virtual Socket& socket() = 0;
    /// The size in bytes of the frame that `bytes` begin with; 0 when the size cannot be told.
    [[nodiscard]] virtual std::size_t frame_size(std::string_view bytes) const = 0;
    /// Queues the last words to a client that is given up, and calls begin_closing. The waiting bytes have been thrown
    /// away.
    virtual void say_farewell(Farewell why) = 0;
    /// Called once, also for a client that never was open; no other call follows. An exception fails the connection,
    /// and on_left is called again; a second exception ends the process.
    virtual void on_left() = 0;
    /// Only called in a protocol that sets deadlines.
    virtual void on_session_deadline() {}
    /// The node is going away, and the client is open.
    virtual void on_drain() = 0;
    /// Called after call_at_turn_end. A client that is too slow has been given up before.
    virtual void at_turn_end() {}

private:
    // More methods than 40 and fields than 15: the reactor calls or a protocol overrides 22 of the methods; the flags
    // are single bytes beside the outbox, because a broadcast touches nothing else of a connection.

    /// Queues frames that the outbox had no room for, after an attempt to write.
    void queue_after_write(const SlabRange& frames);
    /// Ends the client for a reason of the node: drops the waiting bytes, and queues the last words.
    void give_up(Farewell why);
    /// Writes at once, in the middle of a turn.
    void write_out();
    /// Appends a job with the encrypted form of the next waiting bytes.
    void take_secured_write(std::vector<WriteJob>& jobs);
    /// Encrypts and writes the waiting bytes until the socket takes no more.
    [[nodiscard]] Written write_secured();
    /// True when the kernel has every byte of this connection.
    [[nodiscard]] bool is_all_written() const {
        return outbox_.empty() && (cipher_ == nullptr || cipher_->sealed().empty());
    }
    /// The instant from which the peer counts as too slow; max: the peer takes its bytes.
    [[nodiscard]] Instant write_deadline() const;
    [[nodiscard]] bool has(std::uint8_t obstacle) const { return (obstacles_ & obstacle) != 0; }
    /// Draws the conclusions from a write: waits until the socket is writable, or marks the connection broken.
    void take_outcome(Written written);
    /// Ends a broken connection; lingers when the last byte has been written.
    void end_if_done();
    /// Has the connection marked dirty when the socket takes bytes again.
    void wait_writable();
    /// Waits for the peer to read the last bytes, then ends.
    void linger();
    /// Waits for the peer's next bytes, or for its end.
    void wait_to_linger();
    /// Sets the earliest of the deadlines in the reactor.
    void arm();

    // Members that a broadcast touches stand together, beside the members that the reactor looks at.
    State state_ = State::kOpening;
    /// The outbox has refused frames; the client is given up at the end of the turn.
    bool is_too_slow_ = false;
    /// Bits of the reasons why the outbox cannot simply be written. A single test finds that there is none.
    std::uint8_t obstacles_ = 0;
    /// The kernel took no more bytes; a wait for the socket is under way.
    static constexpr std::uint8_t kWaitsWritable = 1;
    /// A write has failed; the connection ends at the end of the turn.
    static constexpr std::uint8_t kIsBroken = 2;
    /// The bytes are encrypted by cipher_.
    static constexpr std::uint8_t kIsSecured = 4;
    bool is_recoded_ = false;
    bool has_left_ = false;
    /// Given up as too slow, or for want of memory.
    bool is_given_up_ = false;
    /// shed() has been called, so the time until the end is short.
    bool is_shed_ = false;
    bool has_peer_closed_ = false;
    /// The descriptor of socket().
    const int socket_;
    Outbox outbox_;
    Reactor& reactor_;
    const OutboxLimits& limits_;
    /// The cipher of socket(); null for a plain connection.
    Cipher* const cipher_;
    Peer peer_;
    /// The protocol's deadline; max: none.
    Instant session_deadline_ = Instant::max();
    /// The end of the present state; max: none.
    Instant state_deadline_ = Instant::max();
    Linger linger_;
};

}  // namespace tulle::node
