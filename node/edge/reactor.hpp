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
#include "node/edge/ready_queue.hpp"
#include "node/edge/shard_counters.hpp"

namespace tulle::node {

/// The loop of one thread and what its connections share: slots, deadlines, the arena of encoded frames, the clock.
///
/// A turn runs one handler, then up to kMaxPolls more that are ready, or as many as begin within kTurnTime, then what
/// is due, within as long, then flushes connections that were marked dirty, in the order in which they were: whatever
/// has been queued for a connection by then leaves in one gathered send. Of more than kMaxWrites the rest is for the
/// next turns, so that what comes in meanwhile does not wait for thousands of sends. No handler runs while outboxes are
/// written.
///
/// Errors: what a handler throws is counted, and ends the connection whose work it was, if that is known (guard). What
///         is thrown by `end_of_turn`, or when a connection is cleared away, comes out of run().
/// Thread: all of it on the thread in run(), but for stop() and context() (for post), which any thread may use.
class Reactor {
public:
    explicit Reactor(FlushMode flush);

    /// Runs until stop(); `end_of_turn` is called before the flush of each turn, and again after a flush that has ended
    /// connections.
    void run(const std::function<void()>& end_of_turn);
    void stop() { context_.stop(); }

    [[nodiscard]] boost::asio::io_context& context() { return context_; }
    /// Runs handlers without asking the kernel for events before each. They and those of context() take turns
    /// (run_next).
    [[nodiscard]] ReadyExecutor ready_executor() { return {ready_, context_}; }
    /// The time of this turn: the clock is read once in each turn, when it is first asked for.
    [[nodiscard]] Instant now();
    [[nodiscard]] SlabArena& arena() { return arena_; }
    [[nodiscard]] ShardCounters& counters() { return counters_; }
    [[nodiscard]] const ShardCounters& counters() const { return counters_; }

    /// After the last run: lets go of the connections while what they refer to still lives.
    void release();

    Slot add(std::shared_ptr<Connection> connection);
    /// The connection stays alive, and its slot its own, to the end of the turn and until it is dirty no more.
    void remove(Slot slot);
    [[nodiscard]] Connection* find(Slot slot) const;
    [[nodiscard]] std::size_t connections() const { return connections_; }
    /// Drains the next connections, at most `most`, and no further one once they have taken kTurnTime: a client on
    /// thousands of channels takes milliseconds. True: each that was there at the first call has been told.
    [[nodiscard]] bool drain_some(std::size_t most);
    /// Ends every connection that is left, at once.
    void cut_all();

    void arm(Slot slot, Instant deadline) { wheel_.arm(slot, deadline); }
    void disarm(Slot slot) { wheel_.cancel(slot); }
    /// It has something to write: next_write is called when the turn ends.
    void mark_dirty(Connection& connection) {
        if (!connection.is_dirty_ && connection.is_in_reactor_) {
            connection.is_dirty_ = true;
            dirty_.data()[dirty_count_++] = &connection;
        }
    }
    void call_at_turn_end(Connection& connection) {
        if (connection.is_in_reactor_) {
            callers_.push_back(&connection);
        }
    }
    /// Runs `work` of `connection`. What is thrown there ends that connection, and nothing else.
    template <class Work>
    void guard(Connection& connection, Work&& work) {
        try {
            std::forward<Work>(work)();
        } catch (const std::exception& error) {
            fail(connection, error);
        }
    }
    /// Ends the connection before any outbox is written; counts and tells `error`. Allocates nothing.
    void fail(Connection& connection, const std::exception& error) noexcept;
    /// Of work that belongs to no connection.
    void count_failure(const std::exception& error) noexcept;
    /// Handlers of this turn were left for the next one, as they took too long or were too many.
    [[nodiscard]] bool was_cut_short() const { return was_cut_short_; }
    /// Wakes the loop at `at`, beside the connections' deadlines, for `end_of_turn`.
    void wake_at(Instant at);

private:
    // More fields than 15: each queue of the loop is a vector and how far it has been gone through, and a turn touches
    // all of them.
    void run_ready();
    bool run_next();
    std::size_t poll_one();
    void run_one_ready();
    void end_failed();
    /// Ends a wait of the loop at `at` or before.
    void set_alarm(Instant at);
    void expire();
    /// False: connections have ended or been given up meanwhile.
    [[nodiscard]] bool flush();
    /// Writes to the next dirty connections; to how many, at most `most`.
    std::size_t write_some(std::size_t most);
    [[nodiscard]] bool is_all_written() const { return written_ == writing_count_ && dirty_count_ == 0; }
    void reserve_for_ends();
    void free_removed();

    const FlushMode flush_mode_;

    SlabArena arena_;  ///< before all that keeps connections alive, as their outboxes refer to it
    boost::asio::io_context context_;
    boost::asio::basic_waitable_timer<std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>,
                                      boost::asio::io_context::executor_type>
        alarm_;
    Instant alarm_at_ = Instant::max();
    ReadyQueue ready_;
    std::size_t ready_left_ = 0;  ///< of ready_ to be run before the context is asked again
    std::size_t polled_ = 0;      ///< handlers of the context that were run since ready_ had its last turn
    Instant now_;
    bool is_now_fresh_ = false;
    TimerWheel wheel_;
    ShardCounters counters_;
    std::vector<std::shared_ptr<Connection>> slots_;
    std::vector<Slot> free_slots_;
    /// kept to the end of the turn, or until they are dirty no more
    std::vector<std::shared_ptr<Connection>> removed_;
    // Each as large as slots_; who is in them is in the reactor, or in removed_.
    std::vector<Connection*> dirty_;  ///< the first dirty_count_: marked since those in writing_
    std::size_t dirty_count_ = 0;
    std::vector<Connection*> writing_;  ///< from written_ up to writing_count_: to be written next
    std::size_t written_ = 0;
    std::size_t writing_count_ = 0;
    std::vector<Connection*> failed_;  ///< the first failed_count_
    std::size_t failed_count_ = 0;
    std::vector<Connection*> callers_;  ///< each of them is in the reactor, or in removed_
    Instant failure_told_at_{};
    std::unique_ptr<OutboxWriter> writer_;
    std::vector<WriteJob> jobs_;  ///< of the flush under way
    std::vector<Slot> expired_;
    std::size_t next_expired_ = 0;  ///< those before it have been seen to
    Instant turn_ends_{};           ///< for handlers
    bool was_cut_short_ = false;
    std::size_t connections_ = 0;
    std::uint32_t next_drained_ = 0;  ///< slots below have been drained
    Instant wake_at_ = Instant::max();
};

}  // namespace tulle::node
