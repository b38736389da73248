#include "node/io/reactor.hpp"

#include <algorithm>
#include <optional>

#include "mesh/base/assert.hpp"
#include "node/core/limits.hpp"
#include "node/io/clock.hpp"

namespace tulle::node {
namespace {

std::chrono::steady_clock::time_point steady(Instant at) {
    return std::chrono::steady_clock::time_point(at.time_since_epoch());
}

}  // namespace

Reactor::Reactor() : context_(1), now_(monotonic_now()), wheel_(now_) {}

void Reactor::run(const std::function<void()>& end_of_turn) {
    const auto work = boost::asio::make_work_guard(context_);
    while (!context_.stopped()) {
        run_ready();
        expire();
        end_of_turn();
        const std::size_t removed_before = removed_.size();
        flush_dirty();
        if (removed_.size() > removed_before) {
            wake_at(now());  // end_of_turn wants to know of those that have just gone
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
    removed_.clear();
    slots_.clear();
}

void Reactor::run_ready() {
    is_now_fresh_ = false;
    const Instant wake = std::min(wheel_.next().value_or(Instant::max()), wake_at_);
    if (wake == Instant::max()) {
        context_.run_one();
    } else {
        context_.run_one_until(steady(wake));
    }
    if (now() >= wake_at_) {
        wake_at_ = Instant::max();
    }
    for (std::size_t i = 0; i < kMaxPolls && context_.poll_one() > 0; ++i) {
    }
}

void Reactor::expire() {
    expired_.clear();
    wheel_.advance(now(), expired_);
    for (const Slot slot : expired_) {
        if (Connection* connection = find(slot)) {
            connection->on_deadline(now());
        }
    }
}

void Reactor::flush_dirty() {
    // A flush may mark others dirty (a failed write ends a session, whose leaving is told): take them as they come.
    for (std::size_t i = 0; i < dirty_.size(); ++i) {
        is_dirty_[dirty_[i].value] = false;
        if (Connection* connection = find(dirty_[i])) {
            connection->flush(now());
        }
    }
    dirty_.clear();
}

Slot Reactor::add(std::shared_ptr<Connection> connection) {
    Slot slot(static_cast<std::uint32_t>(slots_.size()));
    if (free_slots_.empty()) {
        slots_.emplace_back();
        is_dirty_.push_back(false);
    } else {
        slot = free_slots_.back();
        free_slots_.pop_back();
    }
    connection->slot_ = slot;
    slots_[slot.value] = std::move(connection);
    ++connections_;
    counters_.sockets.set(connections_);
    return slot;
}

void Reactor::remove(Slot slot) {
    TULLE_ASSERT(find(slot) != nullptr);
    wheel_.cancel(slot);
    removed_.push_back(std::move(slots_[slot.value]));
    slots_[slot.value] = nullptr;
    --connections_;
    counters_.sockets.set(connections_);
}

void Reactor::free_removed() {
    for (const std::shared_ptr<Connection>& connection : removed_) {
        free_slots_.push_back(connection->slot());
    }
    removed_.clear();
}

Connection* Reactor::find(Slot slot) const {
    return slot.value < slots_.size() ? slots_[slot.value].get() : nullptr;
}

void Reactor::drain_all() {
    for (std::uint32_t i = 0; i < slots_.size(); ++i) {
        if (Connection* connection = find(Slot{i})) {
            connection->drain(now());
        }
    }
}

void Reactor::mark_dirty(Slot slot) {
    if (!is_dirty_[slot.value]) {
        is_dirty_[slot.value] = true;
        dirty_.push_back(slot);
    }
}

void Reactor::wake_at(Instant at) { wake_at_ = std::min(wake_at_, at); }

}  // namespace tulle::node
