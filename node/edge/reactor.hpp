#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>

#include "mesh/base/time.hpp"
#include "node/core/slab.hpp"
#include "node/core/slot.hpp"
#include "node/core/timer_wheel.hpp"
#include "node/edge/connection.hpp"
#include "node/edge/delivery_times.hpp"
#include "node/edge/ready_queue.hpp"
#include "node/edge/shard_counters.hpp"

namespace tulle::node {

/// The loop of a thread, with the parts that its connections share: slots, deadlines, the arena of encoded frames, the
/// clock.
///
/// A turn has these steps. The reactor runs a handler, waiting if none is ready; then up to kMaxPolls further handlers
/// that are ready, or as many as begin within kTurnTime; then the deadlines that have come, within as much time. Then
/// the reactor flushes the connections that were marked dirty, in the order of marking: all bytes that a connection has
/// queued by then leave in a single gathered send. Of more than kMaxWrites connections the rest is left for the next
/// turns, so that incoming work does not wait for thousands of sends. No handler runs while outboxes are written.
///
/// Asking for further handlers is a system call. So while turn after turn has a single handler (a client that sends a
/// message and waits for the answer), most turns do not ask (is_solo). A handler that is ready all the same runs first
/// in the next turn, without a wait.
///
/// Thread: the thread in run(), except that any thread may use stop() and context() (for post).
/// Limits: kMaxPolls, kTurnTime and kMaxWrites bound a turn; the rest of the work waits for the next turn.
/// Errors: an exception of a handler is counted, and ends the connection whose work was done, if the connection is
///         known (guard). An exception of `end_of_turn`, or from clearing a connection away, comes out of run().
class Reactor {
public:
    /// Throws when the process has no descriptors left (boost::system::system_error).
    explicit Reactor(FlushMode flush);

    /// Runs until stop(). The reactor calls `end_of_turn` before the flush of each turn, and again after a flush that
    /// has ended connections.
    void run(const std::function<void()>& end_of_turn);
    /// Ends run() after the present turn. Any thread.
    void stop() { context_.stop(); }

    [[nodiscard]] boost::asio::io_context& context() { return context_; }
    /// Runs handlers without asking the kernel for events before each handler. These handlers and the handlers of
    /// context() take turns (run_next).
    [[nodiscard]] ReadyExecutor ready_executor() { return {ready_, context_}; }
    /// The time of this turn. The clock is read once in each turn, at the first call.
    [[nodiscard]] Instant now();
    /// The memory for the frames of this thread's connections.
    [[nodiscard]] SlabArena& arena() { return arena_; }
    [[nodiscard]] ShardCounters& counters() { return counters_; }
    [[nodiscard]] const ShardCounters& counters() const { return counters_; }
    /// The messages that are measured until all outboxes of the turn have been written.
    [[nodiscard]] DeliveryTimes& deliveries() { return deliveries_; }

    /// Lets go of the connections while the objects that they refer to still live. Call after the last run.
    void release();

    /// Takes the connection in and gives the connection a slot. Throws std::bad_alloc; the connection is not in the
    /// reactor then.
    Slot add(std::shared_ptr<Connection> connection);
    /// Takes the connection out. The connection stays alive, and its slot reserved, to the end of the turn, or until
    /// the connection is no longer dirty.
    void remove(Slot slot);
    /// The connection in the slot; null for a free slot.
    [[nodiscard]] Connection* find(Slot slot) const;
    [[nodiscard]] std::size_t connections() const { return connections_; }
    /// Drains the next connections, at most `most`, and no further connection once kTurnTime has passed: a client on
    /// thousands of channels takes milliseconds. True: every connection has been told. A connection that is added
    /// meanwhile is told later, and others may then be told again.
    [[nodiscard]] bool drain_some(std::size_t most);
    /// Ends every connection that is left, at once.
    void cut_all();

    /// Sets the deadline of a slot: Connection::on_deadline follows.
    void arm(Slot slot, Instant deadline) { wheel_.arm(slot, deadline); }
    void disarm(Slot slot) { wheel_.cancel(slot); }
    /// Call when the connection has bytes to write: take_write follows when the turn ends. Allocates nothing.
    void mark_dirty(Connection& connection) {
        if (!connection.is_dirty_ && connection.is_in_reactor_) {
            connection.is_dirty_ = true;
            dirty_.data()[dirty_count_++] = &connection;
        }
    }
    /// Has Connection::on_turn_end called before the outboxes are written.
    void call_at_turn_end(Connection& connection) {
        if (connection.is_in_reactor_) {
            callers_.push_back(&connection);
        }
    }
    /// Runs `work` of `connection`. An exception ends that connection, and nothing else.
    template <class Work>
    void guard(Connection& connection, Work&& work) {
        try {
            std::forward<Work>(work)();
        } catch (const std::exception& error) {
            fail(connection, error);
        }
    }
    /// Ends the connection before any outbox is written; counts and logs `error`. Allocates nothing.
    void fail(Connection& connection, const std::exception& error) noexcept;
    /// Counts and logs an exception of work that belongs to no connection. At most a line each second.
    void count_failure(const std::exception& error) noexcept;
    /// True when handlers of this turn were left for the next turn, for want of time or because of their number.
    [[nodiscard]] bool was_cut_short() const { return was_cut_short_; }
    /// Wakes the loop at `at`, or before, for `end_of_turn`. Connections' deadlines wake the loop anyway.
    void wake_at(Instant at);

private:
    // More fields than 15: each queue of the loop is a vector with an index of the progress, and a turn touches every
    // queue.

    /// The first two steps of a turn: waits, and runs handlers.
    void run_ready();
    /// Runs further handlers that are ready, within the bounds of a turn.
    void run_further();
    /// True when the turn is to end after its first handler: the last turns had no further one.
    [[nodiscard]] bool is_solo();
    /// Runs a handler of the context or of ready_, in fair order. False: no handler is ready.
    bool run_next();
    /// Runs a ready handler of the context; returns the number of handlers run.
    std::size_t poll_one();
    /// Runs the first handler of ready_.
    void run_one_ready();
    /// Ends the connections of failed_.
    void end_failed();
    /// Has the wait of the loop end at `at` or before.
    void set_alarm(Instant at);
    /// Handles the deadlines that have come.
    void expire();
    /// Writes the outboxes of the turn. False: connections have ended or been given up meanwhile.
    [[nodiscard]] bool flush();
    /// Writes to the next dirty connections, at most `most`. Returns the number of connections.
    std::size_t write_some(std::size_t most);
    [[nodiscard]] bool is_all_written() const { return written_ == writing_count_ && dirty_count_ == 0; }
    /// Reserves the memory that remove() needs for every connection.
    void reserve_for_ends();
    /// Frees the connections that have left, and their slots.
    void free_removed();

    const FlushMode flush_mode_;

    /// Declared before everything that keeps connections alive, because outboxes refer to the arena.
    SlabArena arena_;
    boost::asio::io_context context_;
    boost::asio::basic_waitable_timer<std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>,
                                      boost::asio::io_context::executor_type>
        alarm_;
    /// The time for which alarm_ is set; max: the alarm is not set.
    Instant alarm_at_ = Instant::max();
    ReadyQueue ready_;
    /// The number of handlers of ready_ to run before the context is asked again.
    std::size_t ready_left_ = 0;
    /// The number of handlers of the context since ready_ had its last turn.
    std::size_t polled_ = 0;
    Instant now_;
    /// now_ belongs to this turn.
    bool is_now_fresh_ = false;
    TimerWheel wheel_;
    ShardCounters counters_;
    DeliveryTimes deliveries_;
    /// By slot; null: a free slot.
    std::vector<std::shared_ptr<Connection>> slots_;
    std::vector<Slot> free_slots_;
    /// Connections that have left, kept to the end of the turn or until they are no longer dirty.
    std::vector<std::shared_ptr<Connection>> removed_;
    // Each list is as large as slots_. Every connection in a list is in the reactor, or in removed_.
    /// The first dirty_count_ entries: connections marked since writing_ was filled.
    std::vector<Connection*> dirty_;
    std::size_t dirty_count_ = 0;
    /// The entries from written_ up to writing_count_ are to be written next.
    std::vector<Connection*> writing_;
    std::size_t written_ = 0;
    std::size_t writing_count_ = 0;
    /// The first failed_count_ entries are to be ended.
    std::vector<Connection*> failed_;
    std::size_t failed_count_ = 0;
    /// Connections of call_at_turn_end. Each is in the reactor, or in removed_.
    std::vector<Connection*> callers_;
    /// The time of the last line in the log about a failure.
    Instant failure_told_at_{};
    std::unique_ptr<OutboxWriter> writer_;
    /// The jobs of the flush under way.
    std::vector<WriteJob> jobs_;
    /// The slots whose deadline has come.
    std::vector<Slot> expired_;
    /// The slots before this index have been handled.
    std::size_t next_expired_ = 0;
    /// The end of the time for handlers.
    Instant turn_ends_{};
    /// Turns in a row without a further handler, as far as they have looked for one; and the last look.
    std::size_t solo_turns_ = 0;
    Instant looked_at_{};
    bool was_cut_short_ = false;
    std::size_t connections_ = 0;
    /// The connections in the slots below have been drained.
    std::uint32_t next_drained_ = 0;
    /// The earliest time of wake_at; max: none.
    Instant wake_at_ = Instant::max();
};

}  // namespace tulle::node
