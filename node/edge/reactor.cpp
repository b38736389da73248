#include "node/edge/reactor.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <spdlog/spdlog.h>

#include "mesh/base/assert.hpp"
#include "node/core/limits.hpp"
#include "node/edge/clock.hpp"

namespace tulle::node {
static_assert(kPollsPerLook <= kHandlersInARow && kHandlersInARow <= kMaxPolls);

namespace {

// At most a line each second: an attack that makes every connection fail must not fill the log.
constexpr Duration kFailureLogInterval = 1s;
// Deadlines between two looks at the clock.
constexpr std::size_t kDeadlinesPerLook = 16;

std::chrono::steady_clock::time_point steady(Instant at) {
    return std::chrono::steady_clock::time_point(at.time_since_epoch());
}

}  // namespace

Reactor::Reactor(FlushMode flush)
    : flush_mode_(flush), context_(1), alarm_(context_), now_(monotonic_now()), wheel_(now_) {}

void Reactor::run(const std::function<void()>& end_of_turn) {
    const auto work = boost::asio::make_work_guard(context_);
    // Made here, and not in the constructor: an io_uring belongs to the thread that made the ring.
    writer_ = make_outbox_writer(flush_mode_);
    jobs_.reserve(kMaxWrites);
    while (!context_.stopped()) {
        run_ready();
        expire();
        end_of_turn();
        // A flush may end connections, and the edges have to say so to the hub: the turn's end comes again.
        while (!flush()) {
            end_of_turn();
        }
        if (!deliveries_.is_empty() && is_all_written()) {
            deliveries_.tell(monotonic_now(), counters_);
        }
        free_removed();
    }
}

Instant Reactor::now() {
    if (!is_now_fresh_) {
        now_ = monotonic_now();
        is_now_fresh_ = true;
    }
    return now_;
}

void Reactor::release() {
    ready_.clear();
    removed_.clear();
    slots_.clear();
}

void Reactor::run_ready() {
    // The time of the last turn may be long ago, so the clock is read to see whether a deadline has come.
    const Instant wake = std::min(wheel_.next().value_or(Instant::max()), wake_at_);
    is_now_fresh_ = false;
    const bool is_due = wake <= now();
    // The wait may be long.
    is_now_fresh_ = false;
    // With work left there is no waiting: a single look at the kernel.
    if (!is_all_written() || is_due || !ready_.empty()) {
        poll_one();
    } else {
        set_alarm(wake);
        try {
            context_.run_one();
        } catch (const std::exception& error) {
            count_failure(error);
        }
    }
    if (now() >= wake_at_) {
        wake_at_ = Instant::max();
    }
    // The turn's time begins after the wait.
    turn_ends_ = now() + kTurnTime;
    was_cut_short_ = false;
    ++solo_turns_;
    if (!is_solo()) {
        looked_at_ = now();
        run_further();
    }
}

void Reactor::run_further() {
    for (std::size_t i = 0; run_next(); ++i) {
        solo_turns_ = 0;
        // The clock is read only every kPollsPerLook handlers, because reading takes time too.
        if (i + 1 == kMaxPolls || (i % kPollsPerLook == 0 && monotonic_now() >= turn_ends_)) {
            was_cut_short_ = true;
            return;
        }
    }
}

/// Slow handlers and flushes of many connections must not keep other handlers, the one for the hub's descriptor for
/// example, from being found: a look comes after kTurnTime at the latest, and while a flush is not finished.
bool Reactor::is_solo() {
    return solo_turns_ > kSoloTurns && solo_turns_ % kSoloTurnsPerLook != 0 && ready_.empty() &&
           written_ == writing_count_ && now() < looked_at_ + kTurnTime;
}

/// Runs a handler that is ready. False: no handler is ready. After kHandlersInARow handlers of the context, or when the
/// context has no more, each handler that waits in ready_ is run once: a client whose messages have come together is
/// served no more often than other clients. Only when the context had no handler at all, up to kHandlersInARow handlers
/// of ready_ are run before the context is asked again.
bool Reactor::run_next() {
    if (ready_left_ == 0 || ready_.empty()) {
        if (poll_one() > 0) {
            const bool is_round_over = ++polled_ == kHandlersInARow;
            ready_left_ = is_round_over ? ready_.size() : 0;
            polled_ = is_round_over ? 0 : polled_;
            return true;
        }
        // The context has no ready handler.
        ready_left_ = polled_ == 0 ? kHandlersInARow : ready_.size();
        polled_ = 0;
        if (ready_.empty()) {
            return false;
        }
    }
    --ready_left_;
    run_one_ready();
    return true;
}

/// Runs the first handler of ready_. An exception is counted, as in poll_one.
void Reactor::run_one_ready() {
    try {
        ready_.run_next();
    } catch (const std::exception& error) {
        count_failure(error);
    }
}

/// Runs a ready handler of the context. The library's own handlers between the connections' may throw as well
/// (bad_alloc). The connection of such a handler is not known here; the connection ends at its deadline, because no
/// handler of the connection is called any more.
std::size_t Reactor::poll_one() {
    try {
        return context_.poll_one();
    } catch (const std::exception& error) {
        count_failure(error);
        return 1;
    }
}

void Reactor::fail(Connection& connection, const std::exception& error) noexcept {
    count_failure(error);
    // Once is enough: further failures of the connection change nothing, and failed_ has a place for each slot.
    if (connection.is_in_reactor_ && !connection.has_failed_) {
        connection.has_failed_ = true;
        failed_.data()[failed_count_++] = &connection;
    }
}

void Reactor::count_failure(const std::exception& error) noexcept {
    counters_.failures_total.add();
    const Instant at = monotonic_now();
    if (at - failure_told_at_ >= kFailureLogInterval) {
        failure_told_at_ = at;
        spdlog::error("a piece of work has failed, and the connection that it was for, if any, is ended: {}",
                      error.what());
    }
}

void Reactor::end_failed() {
    while (failed_count_ > 0) {
        Connection& connection = *failed_[--failed_count_];
        if (connection.is_in_reactor_) {
            connection.on_failure();
        }
    }
}

/// Sets the timer of the loop. A timer that is set for an earlier time stays: deadlines move on with every message, and
/// a needless wake-up now and then costs less than a system call for each move.
void Reactor::set_alarm(Instant at) {
    if (at >= alarm_at_) {
        return;
    }
    alarm_at_ = at;
    alarm_.expires_at(steady(at));
    alarm_.async_wait([this](const boost::system::error_code& error) {
        if (!error) {
            alarm_at_ = Instant::max();
        }
    });
}

void Reactor::expire() {
    // Expired slots that the turn before had no time for come first.
    if (next_expired_ == expired_.size()) {
        expired_.clear();
        next_expired_ = 0;
        wheel_.advance(now(), expired_);
    }
    const std::size_t first = next_expired_;
    while (next_expired_ < expired_.size()) {
        // The slot may belong to another connection by now; on_deadline of such a connection does nothing before its
        // own deadline.
        if (Connection* connection = find(expired_[next_expired_++])) {
            guard(*connection, [&] { connection->on_deadline(now()); });
        }
        // Deadlines have kTurnTime of their own, after the time for handlers.
        if ((next_expired_ - first) % kDeadlinesPerLook == 0 && monotonic_now() >= turn_ends_ + kTurnTime) {
            break;
        }
    }
    // The rest is for the next turn, which begins at once.
    if (next_expired_ < expired_.size()) {
        wake_at(Instant::min());
    }
}

bool Reactor::flush() {
    const std::size_t removed_before = removed_.size();
    bool is_calm = true;
    std::size_t room = kMaxWrites;
    // Handling the ends and the callers may end sessions, and other clients are told about each end: the outboxes of
    // these clients are written in the same turn.
    while (failed_count_ > 0 || !callers_.empty() || (room > 0 && !is_all_written())) {
        is_calm = is_calm && failed_count_ == 0;
        end_failed();
        // By index: a call may append to callers_.
        for (std::size_t i = 0; i < callers_.size(); ++i) {
            is_calm = false;
            Connection& connection = *callers_[i];
            if (connection.is_in_reactor_) {
                guard(connection, [&] { connection.on_turn_end(now()); });
            }
        }
        callers_.clear();
        room -= write_some(room);
    }
    return is_calm && removed_.size() == removed_before;
}

std::size_t Reactor::write_some(std::size_t most) {
    // The connections marked before become the next to be written. Connections marked during the writes wait in dirty_.
    if (written_ == writing_count_) {
        dirty_.swap(writing_);
        writing_count_ = std::exchange(dirty_count_, 0);
        written_ = 0;
    }
    const std::size_t count = std::min(most, writing_count_ - written_);
    jobs_.clear();
    for (Connection* connection : std::span(writing_).subspan(written_, count)) {
        // Cleared before the call, so that the connection may be marked dirty again.
        connection->is_dirty_ = false;
        if (connection->is_in_reactor_) {
            guard(*connection, [&] { connection->take_write(jobs_); });
        }
    }
    written_ += count;
    counters_.bytes_sent_total.add(writer_->write(jobs_));
    // A job without trouble ends here, without a look at its connection.
    for (const WriteJob& job : jobs_) {
        if (job.written != Written::kAll || job.is_told) {
            guard(*job.owner, [&] { job.owner->on_written(job.written); });
        }
    }
    return count;
}

Slot Reactor::add(std::shared_ptr<Connection> connection) {
    Slot slot(static_cast<std::uint32_t>(slots_.size()));
    // Each list gets a place with each slot, so marking and failing never allocate.
    if (free_slots_.empty()) {
        slots_.emplace_back();
        dirty_.push_back(nullptr);
        writing_.push_back(nullptr);
        failed_.push_back(nullptr);
        reserve_for_ends();
    } else {
        slot = free_slots_.back();
        free_slots_.pop_back();
    }
    connection->slot_ = slot;
    connection->is_in_reactor_ = true;
    connection->has_failed_ = false;
    slots_[slot.value] = std::move(connection);
    // A connection that comes in while the node drains is told as well.
    next_drained_ = std::min(next_drained_, slot.value);
    ++connections_;
    counters_.sockets.set(connections_);
    return slot;
}

/// Reserves in advance: a connection that ends must not allocate, because the lack of memory may be the reason of the
/// end.
void Reactor::reserve_for_ends() {
    if (removed_.capacity() < slots_.size()) {
        removed_.reserve(2 * slots_.size());
        free_slots_.reserve(2 * slots_.size());
    }
}

void Reactor::remove(Slot slot) {
    TULLE_ASSERT(find(slot) != nullptr);
    wheel_.cancel(slot);
    // The turn may still refer to the connection: removed_ keeps the connection alive.
    removed_.push_back(std::move(slots_[slot.value]));
    removed_.back()->is_in_reactor_ = false;
    slots_[slot.value] = nullptr;
    --connections_;
    counters_.sockets.set(connections_);
}

void Reactor::free_removed() {
    std::erase_if(removed_, [this](const std::shared_ptr<Connection>& connection) {
        if (connection->is_dirty_) {
            // The connection stands in dirty_ or writing_ until its turn there comes.
            return false;
        }
        free_slots_.push_back(connection->slot());
        return true;
    });
}

Connection* Reactor::find(Slot slot) const {
    return slot.value < slots_.size() ? slots_[slot.value].get() : nullptr;
}

bool Reactor::drain_some(std::size_t most) {
    const Instant end = monotonic_now() + kTurnTime;
    while (most > 0 && next_drained_ < slots_.size()) {
        if (Connection* connection = find(Slot{next_drained_++})) {
            guard(*connection, [&] { connection->drain(now()); });
            most = monotonic_now() < end ? most - 1 : 0;
        }
    }
    return next_drained_ >= slots_.size();
}

void Reactor::cut_all() {
    for (std::uint32_t i = 0; i < slots_.size(); ++i) {
        if (Connection* connection = find(Slot{i})) {
            guard(*connection, [&] { connection->cut(); });
        }
    }
}

void Reactor::wake_at(Instant at) {
    wake_at_ = std::min(wake_at_, at);
}

}  // namespace tulle::node
