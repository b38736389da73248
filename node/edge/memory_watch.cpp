#include "node/edge/memory_watch.hpp"

#include <exception>
#include <utility>

#include <spdlog/spdlog.h>

#include "node/core/limits.hpp"

namespace tulle::node {
namespace {

// Measurements between two purges of the allocator: every half second.
constexpr std::size_t kLooksBetweenPurges = 5;
// Measurements between two lines in the log: a level that changes back and forth fills no log. The next line says all
// that a dropped line would have said.
constexpr std::size_t kLooksBetweenLines = 10;
// Measurements between two orders to shed: the memory of closed clients must be seen to be free before more clients are
// closed.
constexpr std::size_t kLooksBetweenSheds = 2;

}  // namespace

MemoryWatch::MemoryWatch(std::uint64_t limit, std::size_t shards, std::shared_ptr<NodeLimits> limits,
                         std::function<void()> wake_shards)
    : gauge_(limit), shards_(shards), limits_(std::move(limits)), wake_shards_(std::move(wake_shards)) {}

MemoryWatch::~MemoryWatch() {
    {
        const std::lock_guard lock(mutex_);
        is_stopping_ = true;
    }
    stop_.notify_all();
    if (thread_.joinable()) {
        thread_.join();
    }
}

void MemoryWatch::start() {
    thread_ = std::thread([this] { run(); });
}

void MemoryWatch::run() {
    std::unique_lock lock(mutex_);
    while (!is_stopping_) {
        // Measures without the lock, so that the destructor can set is_stopping_ meanwhile.
        lock.unlock();
        try {
            look();
        } catch (const std::exception&) {
            // Without memory for a measurement the node sheds; the next measurement may find memory.
            limits_->set_pressure(Pressure::kShedding);
            limits_->counters().memory_pressure.set(static_cast<std::uint64_t>(Pressure::kShedding));
            order_shed();
        }
        lock.lock();
        stop_.wait_for(lock, kMemoryInterval, [this] { return is_stopping_; });
    }
}

void MemoryWatch::look() {
    const Pressure before = pressure_.pressure();
    Pressure now = pressure_.on_sample(gauge_.measure());
    ++looks_;
    // The allocator may hold memory that is free already: the node gives that memory back before acting on the numbers.
    if (now != Pressure::kNone && looks_ % kLooksBetweenPurges == 0) {
        MemoryGauge::purge();
        now = pressure_.on_sample(gauge_.measure());
    }
    limits_->counters().memory_used.set(pressure_.nearest().used);
    limits_->counters().memory_limit.set(pressure_.nearest().limit);
    limits_->counters().memory_pressure.set(static_cast<std::uint64_t>(now));
    limits_->set_pressure(now);
    // Sheds at once when the level begins, then again while the level lasts.
    if (now == Pressure::kShedding && (before != now || looks_ % kLooksBetweenSheds == 0)) {
        order_shed();
    }
    if (now != told_ && looks_ - told_at_ >= kLooksBetweenLines) {
        told_ = now;
        told_at_ = looks_;
        tell();
    }
}

void MemoryWatch::order_shed() {
    // A byte at least: an order of 0 bytes would be no order.
    limits_->order_shed(pressure_.excess() / shards_ + 1);
    wake_shards_();
}

void MemoryWatch::tell() const {
    const MemoryUse& use = pressure_.nearest();
    switch (pressure_.pressure()) {
        case Pressure::kNone:
            spdlog::info("memory: {} of {} bytes are used, and new clients are taken again", use.used, use.limit);
            break;
        case Pressure::kRefusing:
            spdlog::warn("memory: {} of {} bytes are used: no new clients until it is less", use.used, use.limit);
            break;
        case Pressure::kShedding:
            spdlog::warn("memory: {} of {} bytes are used: the clients that most waits for are closed until it is less",
                         use.used, use.limit);
            break;
    }
}

}  // namespace tulle::node
