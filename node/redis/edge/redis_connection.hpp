#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "node/edge/stream_connection.hpp"
#include "node/redis/core/client_table.hpp"
#include "node/redis/core/realm_counters.hpp"
#include "node/redis/wire/resp_reader.hpp"
#include "node/redis/wire/session.hpp"

namespace tulle::node::redis {

class RedisEdge;

/// A client of the Redis protocol: reads commands from the socket, and gives them to the session.
///
/// Thread: the shard's.
/// Limits: at most kMaxCommandsPerTurn commands, or kMaxRepliesPerTurn bytes of replies, at a time; other connections
///         have their turn then. A connection that waits for an answer is not read. What has been read and is no whole
///         command is kept: kMaxCommandBytes.
/// Errors: see StreamConnection and RespReader.
class RedisConnection final : public StreamConnection {
public:
    RedisConnection(RedisEdge& edge, Reactor& reactor, Socket socket, Peer peer, const OutboxLimits& limits);
    ~RedisConnection() override;

    /// Enters the reactor and the table of clients. An exception leaves nothing behind.
    void start();
    /// Begins to read. After an exception the caller ends the connection (on_failure).
    void begin();
    /// The answer to the question that the session waits for.
    void on_answer(const Answers& answers);
    /// The hub has room again.
    void on_room();
    /// What the client has published to itself has been delivered.
    void on_settled();
    /// The reply to the command of the store that the session waits for.
    void on_reply(std::string_view text);
    /// From here on replies wait, and no command is read, until release_replies() has been called for every gate.
    /// False: the gate is known already.
    [[nodiscard]] bool hold_replies(std::uint64_t gate);
    void release_replies();
    /// The client speaks another version of the protocol from here on. Call while the connection is in no Fanout.
    void set_version(Resp version) { want_recoded(version == Resp::k3); }
    /// Ends the connection, after the bytes that wait, because messages for the client have been lost.
    void end_for_gap();
    /// The client's patterns have taken `steps` steps more. True: they are too many in this second, and
    /// is_exhausted() is true from here on.
    [[nodiscard]] bool use_steps(std::size_t steps, Instant now);
    [[nodiscard]] bool is_exhausted() const { return matching_.is_exhausted; }
    /// The client may have missed a message because its patterns take too long: is_exhausted() is true from here on.
    /// True: it was not before.
    [[nodiscard]] bool exhaust() { return !std::exchange(matching_.is_exhausted, true); }
    /// Ends such a connection as one that is too slow.
    void end_exhausted() { give_up_slow(); }
    /// Ends the connection when more than kSoftOutboxBytes have waited for longer than kSoftOutboxTime.
    void end_if_slow(Instant now);

    /// What the node knows of the connection. The card's id names the connection: no other one has had that id.
    [[nodiscard]] const ClientTable::Card& card() const { return *card_; }
    [[nodiscard]] const Session& session() const { return *session_; }
    /// True when no command will be read any more: the connection closes, or only waits for its last reply.
    [[nodiscard]] bool is_ending() const { return state() >= State::kClosing || ends_with_reply_ || gates_.is_end; }
    [[nodiscard]] std::size_t memory() const override;

private:
    Socket& socket() override { return socket_; }
    /// A slow client is closed in the middle of a message, as Redis does: RESP has no last words.
    std::size_t frame_size(std::string_view) const override { return 0; }
    void say_farewell(Farewell why) override;
    void on_left() override;
    void on_session_deadline() override;
    void on_drain() override;

    /// No word follows: what waits is written, then the connection ends.
    void say_end();
    /// Waits for bytes, unless the session waits for something else. A wait and then a read, because async_read_some
    /// costs as much and keeps memory busy: Asio tries the read at once, which costs what the wait's epoll_ctl costs.
    void wait_readable();
    void on_readable();
    /// The session takes no command now.
    [[nodiscard]] bool is_waiting() const { return is_session_waiting_ || gates_.closed > 0; }
    /// Keeps bytes behind those of unread_; the memory is at most a quarter larger than the bytes.
    void hold(std::string_view bytes);
    /// Does the commands that `bytes` begin with, and keeps the rest.
    void work(std::string_view bytes);
    /// Keeps `bytes` without the first `done`; a connection that has left keeps none. False: the connections of the
    /// node keep too many bytes, so this connection has been closed.
    [[nodiscard]] bool keep(std::string_view bytes, std::size_t done);
    /// Queues the replies of the session, and draws the conclusion from its last word.
    void follow(Session::Next next, std::string& replies);
    /// Has the client counted for the realm that it is in by now.
    void follow_realm();
    /// Counts a command that has been done, for the realm that the client is in after the command.
    void count_command();
    /// Counts the errors among the latest replies.
    void count_errors();
    /// Goes on with the bytes that have been kept, in a later handler.
    void work_later();
    /// The session waits no longer: work_later(), or the end of a connection that was only to get its reply.
    void go_on();

    RedisEdge& edge_;
    Socket socket_;
    RespReader reader_;
    std::shared_ptr<ClientTable::Card> card_;
    std::unique_ptr<Session> session_;
    /// The realm that the client is counted for, and the shard's counters of the realm; null for none.
    const Realm* counted_realm_ = nullptr;
    RealmCounters* counters_ = nullptr;
    /// Bytes that have been read and not been worked on.
    struct Unread {
        std::string bytes;
        /// The number of bytes that the edge knows of.
        std::size_t told = 0;
        /// work() reads the bytes.
        bool is_read = false;
    } unread_;
    /// See hold_replies().
    struct Gates {
        /// The last one, and those that are not open yet.
        std::uint64_t last = 0;
        std::size_t closed = 0;
        /// The replies of this time; and whether they are the last ones.
        std::string replies;
        bool is_end = false;
        /// A command that waits for the gates; empty for none.
        std::vector<std::string> deferred;
    } gates_;
    /// A wait for the socket is under way.
    bool is_waiting_readable_ = false;
    /// work_later() is under way.
    bool is_work_posted_ = false;
    /// The session takes no command.
    bool is_session_waiting_ = false;
    /// The node drains: the connection ends with the reply that the session waits for.
    bool ends_with_reply_ = false;
    /// RedisEdge calls on_room.
    bool is_waiting_for_room_ = false;
    /// What the client's patterns have taken.
    struct Matching {
        /// Since `second`.
        std::size_t steps = 0;
        Instant second{};
        bool is_exhausted = false;
    };
    Matching matching_;
    /// Since when more than kSoftOutboxBytes wait; max: they do not.
    Instant soft_since_ = Instant::max();
};

}  // namespace tulle::node::redis
