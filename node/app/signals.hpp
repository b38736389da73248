#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "mesh/base/time.hpp"

namespace tulle::node {

/// The events for which the main thread waits: SIGTERM, SIGINT and SIGHUP, and reports of the other threads.
///
/// Thread: ask_reload, ask_drain, ask_undrain, fail, failure and count from any thread; the others from the main
/// thread. Ownership: must outlive every thread that calls one of those.
class Signals {
public:
    /// The reason why wait() has returned.
    enum class Event {
        /// SIGTERM: the process is to end, after its clients have been moved.
        kTerminate,
        /// SIGINT: the process is to end, in order but without waiting.
        kInterrupt,
        /// ask_drain() has been called.
        kDrain,
        /// ask_undrain() has been called.
        kUndrain,
        /// fail() has been called.
        kFailed,
        /// count() has been called often enough.
        kCounted,
        /// `patience` has passed.
        kTimeout,
        /// SIGHUP or ask_reload(), after report_reloads.
        kReload,
        /// The descriptor of report_reloads is readable.
        kReadable,
    };

    /// Blocks SIGTERM, SIGINT and SIGHUP in the calling thread and in all threads that the thread starts later, and
    /// ignores SIGPIPE. Construct the object before any other thread starts. Throws std::system_error.
    Signals();
    ~Signals();
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

    /// Orchestrators, process groups and shells send the same wish to end several times within a moment. A further
    /// signal counts as a wish for haste only when at least kEcho has passed since the last one that counted.
    static constexpr Duration kEcho = 1s;

    /// Waits for the next event. kCounted comes after `count` calls of count() with the number of the last
    /// begin_count(); a `count` of 0 waits for no calls. Without `patience` the wait has no limit of time.
    Event wait(std::size_t count, std::optional<Duration> patience);

    /// From this call on, SIGHUP and ask_reload() end a wait with kReload, and a readable `descriptor` ends a wait with
    /// kReadable. Without report_reloads SIGHUP does nothing.
    void report_reloads(int descriptor);
    /// Undoes report_reloads.
    void ignore_reloads() { reload_descriptor_ = -1; }

    /// Asks for a reload, as SIGHUP does. Calls before the next kReload count as a single call.
    void ask_reload();
    /// Asks for the clients to be moved to other nodes, or to be kept. Of several calls before the next wait the last
    /// one counts.
    void ask_drain() { order_drain(DrainOrder::kDrain); }
    void ask_undrain() { order_drain(DrainOrder::kUndrain); }
    /// Reports a fatal failure; wait() then returns kFailed. `what` describes the failure for the log. Only the first
    /// failure is kept.
    void fail(std::string what);
    /// The description of the failure; empty without a failure.
    [[nodiscard]] std::string failure() const;
    /// Begins to count from 0, and returns the number of the round. Calls of count() with an older number are ignored.
    [[nodiscard]] std::uint32_t begin_count();
    /// Counts a call for `round`.
    void count(std::uint32_t round);

private:
    /// The low 32 bits of `counted_` are the count.
    static constexpr unsigned kRoundShift = 32;

    enum class DrainOrder : std::uint8_t { kNone, kDrain, kUndrain };

    void order_drain(DrainOrder order) {
        drain_order_.store(order);
        wake();
    }
    /// Reads the next signal. Nothing: there is none, or none that counts.
    [[nodiscard]] std::optional<Event> take_signal();
    /// Takes an event that another thread has reported.
    [[nodiscard]] std::optional<Event> take_report();
    /// Ends a poll() in wait().
    void wake() const;

    int signal_descriptor_ = -1;
    int event_descriptor_ = -1;
    /// When the last signal to end came that counted.
    std::optional<Instant> signalled_at_;
    /// -1 when reloads are not reported.
    int reload_descriptor_ = -1;
    std::atomic<bool> is_reload_asked_{false};
    std::atomic<DrainOrder> drain_order_{DrainOrder::kNone};
    /// The count, and above kRoundShift the round to which the count belongs. Both change in a single step.
    std::atomic<std::uint64_t> counted_{0};
    mutable std::mutex mutex_;
    std::string failure_;
};

}  // namespace tulle::node
