#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "node/core/frame_guard.hpp"
#include "node/core/outbox.hpp"
#include "node/io/connection.hpp"
#include "node/io/http_service.hpp"
#include "node/io/linger.hpp"
#include "node/io/outbox_stream.hpp"
#include "node/io/reactor.hpp"
#include "node/io/ws_upgrade.hpp"

namespace tulle::node {

class WsConnection;

/// What speaks over WebSocket connections. Called on the reactor's thread.
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

/// One WebSocket: Beast's stream over the outbox.
///
/// Thread: the reactor's.
/// Order:  frames leave in the order of the calls, at the end of the loop's turn.
/// Limits: see WsLimits. Past the outbox's, the client is closed with 4100 at the end of the turn, and counted.
/// Errors: none are reported but by on_gone.
class WsConnection final : public Connection, private OutboxSink {
public:
    /// `limits` and the handler must outlive the connection.
    WsConnection(Reactor& reactor, WsHandler& handler, Socket socket, Peer peer, const WsLimits& limits);

    /// Enters the reactor and answers the upgrade, which the gate has let pass. What is thrown after the connection has
    /// entered ends the connection; what is thrown before comes out, and nothing has been counted.
    void start(UpgradeRequest& request, WsBeginning beginning);
    [[nodiscard]] const std::string& target() const { return target_; }
    [[nodiscard]] const Peer& peer() const { return peer_; }
    [[nodiscard]] const WsLimits& limits() const { return limits_; }
    /// Its frames may be compressed: it has asked for it, and each for itself.
    [[nodiscard]] bool is_deflating() const { return is_deflating_; }
    /// What a message may have from the next one on; more: close 1009.
    void limit_message(std::size_t max_message);

    /// Asks for the memory that send will need. A hint.
    void fetch() const {
        __builtin_prefetch(this, 1);
        __builtin_prefetch(&outbox_, 1);
    }

    void send_text(std::string_view text);
    /// `frames`: whole unmasked frames of the reactor's arena, `count` of them.
    void send(const SlabRange& frames, std::size_t count);
    /// Ends the connection after all that was sent before.
    void close(std::uint16_t code, std::string_view reason);
    /// Bytes of memory that are held for this client alone: what waits for it, its share of the slabs that
    /// this keeps in place, and a message that has come in part, compressed or not.
    [[nodiscard]] std::size_t memory() const {
        const FrameInflater* inflater = stream_.next_layer().inflater();
        return outbox_.pinned() + buffer_.capacity() + (inflater == nullptr ? 0 : inflater->memory());
    }
    /// Ends the connection for want of memory, with 4100 and soon: what the peer has not taken by then is thrown away.
    /// A connection that is being closed already keeps its code, and ends as soon.
    void shed();
    /// Why a client is read no further: the hub has no room for what it says, or it says it faster than it may.
    enum class Pause : std::uint8_t { kHub = 1, kRate = 2 };
    /// Reads no further message until no reason is left.
    void pause(Pause why) { paused_ |= static_cast<unsigned>(why); }
    void resume(Pause why);
    void set_session_deadline(Instant deadline);

    void on_deadline(Instant now) override;
    void on_turn_end(Instant now) override;
    void take_write(std::vector<WriteJob>& jobs) override;
    void on_written(Written written) override;
    void respond(std::uint64_t, HttpResponse) override {}
    void drain(Instant now) override;
    void on_failure() override { end(); }
    void cut() override;

private:
    enum class State : std::uint8_t { kOpening, kOpen, kClosing, kFinishing, kLingering, kGone };

    void queue_control(std::string_view bytes) override;
    void on_received(std::string_view bytes) override;
    void on_exception(const std::exception& error) override { reactor_.fail(*this, error); }
    /// A handler of this connection, kept alive by it; what is thrown there ends the connection.
    template <class Handler>
    [[nodiscard]] auto guarded(Handler handler);
    void accept(UpgradeRequest& request);
    void on_accepted(const boost::system::error_code& error);
    void read();
    void on_read(const boost::system::error_code& error);
    void queue_after_write(const SlabRange& frames);
    void give_up_slow();
    void give_up(std::string_view reason);
    void give_up_flooding();
    void tell_corrupt();
    void tell_too_large();
    /// By a Close frame, also one whose code Beast does not know.
    [[nodiscard]] bool is_orderly(const boost::system::error_code& error) const;
    void write_out();
    void take_outcome(Written written);
    void end_if_done();
    void wait_writable();
    void leave();
    void finish();
    void linger();
    void wait_to_linger();
    void go_on_lingering(bool failed);
    void end();
    void arm();
    [[nodiscard]] std::shared_ptr<WsConnection> self();

    // What a broadcast touches stands together, beside what the reactor looks at.
    State state_ = State::kOpening;
    bool is_too_slow_ = false;
    bool waits_writable_ = false;
    bool is_broken_ = false;
    bool is_deflating_ = false;
    const int socket_;  ///< the stream's, closed by it
    Outbox outbox_;
    Reactor& reactor_;
    WsHandler& handler_;
    const WsLimits& limits_;
    unsigned paused_ = 0;  ///< bits of Pause
    bool is_reading_ = false;
    FrameGuard::Verdict verdict_ = FrameGuard::Verdict::kFine;
    bool has_left_ = false;
    bool is_given_up_ = false;      ///< as too slow
    bool is_shed_ = false;          ///< for want of memory
    bool has_peer_closed_ = false;  ///< by a Close frame, so that nothing of it is left unread
    std::size_t max_message_ = 0;
    Peer peer_;
    FrameGuard guard_;
    boost::beast::websocket::stream<OutboxStream, false> stream_;
    boost::beast::flat_buffer buffer_;
    std::string target_;                     ///< until the connection is open
    std::unique_ptr<UpgradeAnswer> answer_;  ///< as long
    Instant session_deadline_ = Instant::max();
    Instant state_deadline_ = Instant::max();
    Linger linger_;
};

}  // namespace tulle::node
