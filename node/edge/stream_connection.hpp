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

/// Why the node ends the connection of a client that has done nothing wrong in its protocol.
enum class Farewell : std::uint8_t {
    kSlow,   ///< the client does not take what waits for it
    kNoRoom  ///< the node has too little memory
};

/// A client's connection in any protocol that sends frames: what waits for the client (Outbox), what the kernel takes
/// of it, when the client counts as too slow, and how the connection ends.
///
/// A protocol derives from this class, reads from its socket, and says with begin_closing() that its last words are
/// queued and with finish() that nothing more will come. The states follow each other in the order of State.
///
/// Thread: the reactor's.
/// Order:  frames leave in the order of the calls, at the end of the loop's turn.
/// Limits: the outbox's (OutboxLimits). Past them the client is given up (Farewell::kSlow) at the end of the turn, and
///         counted.
/// Errors: none are reported but by on_left.
class StreamConnection : public Connection {
public:
    /// Asks for the memory that send will need. A hint.
    void fetch() const {
        __builtin_prefetch(this, 1);
        __builtin_prefetch(&outbox_, 1);
    }

    /// `frames`: whole frames of the reactor's arena, `count` of them.
    void send(const SlabRange& frames, std::size_t count);
    /// The connection wants frames in the form that its edge's Recoder gives them (Fanout).
    [[nodiscard]] bool is_recoded() const { return is_recoded_; }
    [[nodiscard]] const Peer& peer() const { return peer_; }
    /// Bytes of memory that are held for this client alone: what waits for it and its share of the slabs that this
    /// keeps in place.
    [[nodiscard]] virtual std::size_t memory() const { return outbox_.pinned(); }
    /// Ends the connection for want of memory, and soon: what the peer has not taken by then is thrown away. A
    /// connection that is being closed already ends as soon.
    void shed();
    /// on_session_deadline is called then. Instant::max(): never. Nothing once the connection is being closed.
    void set_session_deadline(Instant deadline);

    void on_deadline(Instant now) final;
    void on_turn_end(Instant now) final;
    void take_write(std::vector<WriteJob>& jobs) final;
    void on_written(Written written) final;
    void drain(Instant now) final;
    void on_failure() final { end(); }
    /// A peer that has been told to close and has neither taken that nor answered is counted.
    void cut() final;

protected:
    enum class State : std::uint8_t {
        kOpening,    ///< not yet a client that can be spoken to
        kOpen,       ///< frames are taken
        kClosing,    ///< the last words are queued; the peer may answer them, until a deadline
        kFinishing,  ///< until all is written
        kLingering,  ///< until the peer has read it
        kGone
    };

    /// `limits` must outlive the connection. `socket`: the descriptor of socket().
    StreamConnection(Reactor& reactor, int socket, Peer peer, const OutboxLimits& limits);

    /// Enters the reactor, and counts as a client from then on. What it throws leaves nothing behind.
    void enter();
    void open();
    /// No more frames are taken. The connection is cut unless it has finished within kCloseTimeout.
    void begin_closing();
    /// `bytes`, whole frames, are the last that the client gets, unless it is being closed already.
    void finish_with(std::string_view bytes);
    /// The client has left, or has been told all: what waits is written, and the connection lingers and ends.
    void finish();
    /// The client has left, as far as the edge is concerned: on_left is called, once.
    void leave();
    void end();
    /// The connection is cut at `deadline`, unless the state changes before.
    void limit_state(Instant deadline);
    /// Queues whole frames that end the connection, whatever waits already.
    void push_last(std::string_view bytes);
    /// Queues a whole frame that answers one of the peer's. A peer for which more than kOutboxReserveBytes beyond the
    /// outbox's limit would wait then asks without end and never reads our answers: it is given up.
    void queue_bounded(std::string_view bytes);
    void want_recoded() { is_recoded_ = true; }
    /// The peer has said in its protocol that nothing more comes, so that nothing of it is left unread.
    void note_peer_closed() { has_peer_closed_ = true; }

    [[nodiscard]] State state() const { return state_; }
    [[nodiscard]] bool is_ended() const { return state_ >= State::kFinishing; }
    [[nodiscard]] bool has_left() const { return has_left_; }
    [[nodiscard]] Reactor& reactor() const { return reactor_; }

    /// A handler of this connection, which keeps the connection alive; what is thrown there ends the connection.
    template <class Handler>
    [[nodiscard]] auto guarded(Handler handler) {
        return [this, me = shared_from_this(), handler = std::move(handler)](auto... arguments) mutable {
            reactor_.guard(*this, [&] { handler(arguments...); });
        };
    }

    // What a protocol has to say for itself.
    [[nodiscard]] virtual Socket& socket() = 0;
    /// Bytes of the frame that `bytes` begin with; 0 when that cannot be told.
    [[nodiscard]] virtual std::size_t frame_size(std::string_view bytes) const = 0;
    /// The last words to a client that is given up, and begin_closing. What waited has been thrown away.
    virtual void say_farewell(Farewell why) = 0;
    /// Called once, also when the client never was open; nothing follows it. What it throws fails the connection, and
    /// on_left is called again; what it throws then ends the process.
    virtual void on_left() = 0;
    /// Only of a protocol that sets deadlines.
    virtual void on_session_deadline() {}
    /// The node is going away, and the client is open.
    virtual void on_drain() = 0;
    /// call_at_turn_end was called. A client that is too slow has been given up before.
    virtual void at_turn_end() {}

private:
    // More methods than 40 and fields than 15: 22 are what the reactor calls or a protocol overrides; the flags are
    // single bytes beside the outbox, as a broadcast touches nothing else of a connection.
    void queue_after_write(const SlabRange& frames);
    void give_up(Farewell why);
    void write_out();
    void take_outcome(Written written);
    void end_if_done();
    void wait_writable();
    void linger();
    void wait_to_linger();
    void arm();

    // What a broadcast touches stands together, beside what the reactor looks at.
    State state_ = State::kOpening;
    bool is_too_slow_ = false;
    bool waits_writable_ = false;
    bool is_broken_ = false;
    bool is_recoded_ = false;
    bool has_left_ = false;
    bool is_given_up_ = false;  ///< as too slow, or for want of memory
    bool is_shed_ = false;      ///< for want of memory
    bool has_peer_closed_ = false;
    const int socket_;  ///< of socket()
    Outbox outbox_;
    Reactor& reactor_;
    const OutboxLimits& limits_;
    Peer peer_;
    Instant session_deadline_ = Instant::max();
    Instant state_deadline_ = Instant::max();
    Linger linger_;
};

}  // namespace tulle::node
