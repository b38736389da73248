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

constexpr Duration kFailureLogInterval = 1s;
constexpr std::size_t kDeadlinesPerLook = 16;  // between two looks at the clock

std::chrono::steady_clock::time_point steady(Instant at) {
    return std::chrono::steady_clock::time_point(at.time_since_epoch());
}

}  // namespace

Reactor::Reactor(FlushMode flush)
    : flush_mode_(flush), context_(1), alarm_(context_), now_(monotonic_now()), wheel_(now_) {}

void Reactor::run(const std::function<void()>& end_of_turn) {
    const auto work = boost::asio::make_work_guard(context_);
    writer_ = make_outbox_writer(flush_mode_);
    jobs_.reserve(kMaxWrites);
    while (!context_.stopped()) {
        run_ready();
        expire();
        end_of_turn();
        while (!flush()) {
            end_of_turn();
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
    const Instant wake = std::min(wheel_.next().value_or(Instant::max()), wake_at_);
    is_now_fresh_ = false;
    const bool is_due = wake <= now();
    is_now_fresh_ = false;  // the wait may be long
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
    turn_ends_ = now() + kTurnTime;
    was_cut_short_ = false;
    for (std::size_t i = 0; run_next(); ++i) {
        if (i + 1 == kMaxPolls || (i % kPollsPerLook == 0 && monotonic_now() >= turn_ends_)) {
            was_cut_short_ = true;
            return;
        }
    }
}

/// Runs one handler that is ready; false: there is none. After kHandlersInARow of the context, or when it has no more,
/// each that waits in ready_ is run once: nobody whose messages have come together is served more often than others.
/// Only when the context had none at all, up to kHandlersInARow are run before it is asked again.
bool Reactor::run_next() {
    if (ready_left_ == 0 || ready_.empty()) {
        if (poll_one() > 0) {
            const bool is_round_over = ++polled_ == kHandlersInARow;
            ready_left_ = is_round_over ? ready_.size() : 0;
            polled_ = is_round_over ? 0 : polled_;
            return true;
        }
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

/// As poll_one.
void Reactor::run_one_ready() {
    try {
        ready_.run_next();
    } catch (const std::exception& error) {
        count_failure(error);
    }
}

/// The library's own handlers between those of the connections may throw as well (bad_alloc). Their connection is not
/// known here; it ends at its deadline, as nothing of it happens any more.
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
        spdlog::error("a connection's work has failed, and the connection is ended: {}", error.what());
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

/// An alarm that is set for earlier stays: deadlines move on with every message, and to be woken in vain now and then
/// costs less than to tell the kernel each time.
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
    if (next_expired_ == expired_.size()) {
        expired_.clear();
        next_expired_ = 0;
        wheel_.advance(now(), expired_);
    }
    const std::size_t first = next_expired_;
    while (next_expired_ < expired_.size()) {
        // Its slot may be another connection's by now, which does nothing before its own deadline.
        if (Connection* connection = find(expired_[next_expired_++])) {
            guard(*connection, [&] { connection->on_deadline(now()); });
        }
        if ((next_expired_ - first) % kDeadlinesPerLook == 0 && monotonic_now() >= turn_ends_ + kTurnTime) {
            break;
        }
    }
    if (next_expired_ < expired_.size()) {
        wake_at(Instant::min());
    }
}

bool Reactor::flush() {
    const std::size_t removed_before = removed_.size();
    bool is_calm = true;
    std::size_t room = kMaxWrites;
    // What is seen to may end sessions, whose leaving is told to others: they are flushed in the same turn.
    while (failed_count_ > 0 || !callers_.empty() || (room > 0 && !is_all_written())) {
        is_calm = is_calm && failed_count_ == 0;
        end_failed();
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
    if (written_ == writing_count_) {
        dirty_.swap(writing_);
        writing_count_ = std::exchange(dirty_count_, 0);
        written_ = 0;
    }
    const std::size_t count = std::min(most, writing_count_ - written_);
    jobs_.clear();
    for (Connection* connection : std::span(writing_).subspan(written_, count)) {
        connection->is_dirty_ = false;
        if (connection->is_in_reactor_) {
            guard(*connection, [&] { connection->take_write(jobs_); });
        }
    }
    written_ += count;
    counters_.bytes_sent_total.add(writer_->write(jobs_));
    for (const WriteJob& job : jobs_) {
        if (job.written != Written::kAll || job.is_told) {
            guard(*job.owner, [&] { job.owner->on_written(job.written); });
        }
    }
    return count;
}

Slot Reactor::add(std::shared_ptr<Connection> connection) {
    Slot slot(static_cast<std::uint32_t>(slots_.size()));
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
    ++connections_;
    counters_.sockets.set(connections_);
    return slot;
}

/// A connection that ends allocates nothing here: it may end because there is no memory.
void Reactor::reserve_for_ends() {
    if (removed_.capacity() < slots_.size()) {
        removed_.reserve(2 * slots_.size());
        free_slots_.reserve(2 * slots_.size());
    }
}

void Reactor::remove(Slot slot) {
    TULLE_ASSERT(find(slot) != nullptr);
    wheel_.cancel(slot);
    removed_.push_back(std::move(slots_[slot.value]));
    removed_.back()->is_in_reactor_ = false;
    slots_[slot.value] = nullptr;
    --connections_;
    counters_.sockets.set(connections_);
}

void Reactor::free_removed() {
    std::erase_if(removed_, [this](const std::shared_ptr<Connection>& connection) {
        if (connection->is_dirty_) {
            return false;  // its turn to be written, and so to be passed over, is yet to come
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
