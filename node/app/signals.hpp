#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "mesh/base/time.hpp"

namespace tulle::node {

/// What the main thread waits for: SIGTERM, SIGINT and SIGHUP, and words from the other threads.
///
/// Thread: wait from the main thread; fail and count from any.
class Signals {
public:
    enum class Event {
        kSignal,  ///< to end
        kFailed,
        kCounted,
        kTimeout,
        kReload,    ///< SIGHUP
        kReadable,  ///< the descriptor given to report_reloads
    };

    /// Blocks SIGTERM, SIGINT and SIGHUP in this thread and all that it will spawn, and ignores SIGPIPE; construct it
    /// before any other thread. Throws std::system_error.
    Signals();
    ~Signals();
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

    /// Orchestrators, process groups and shells send one wish to end more than once, within a moment. A second signal
    /// counts as a wish for haste only when it comes so long after the first.
    static constexpr Duration kEcho = 1s;

    /// Waits for a signal, a failure, or `count` calls of count() with what the last begin_count() gave; for at most
    /// `patience` if given.
    Event wait(std::size_t count, std::optional<Duration> patience);

    /// From now on a wait ends by SIGHUP, and when `descriptor` is readable. Otherwise SIGHUP does nothing.
    void report_reloads(int descriptor);
    void ignore_reloads() { reload_descriptor_ = -1; }

    /// Something fatal has happened; `what` says what.
    void fail(std::string what);
    [[nodiscard]] std::string failure() const;
    /// From the main thread: counts from 0 again, and only what is counted with what this gives.
    [[nodiscard]] std::uint32_t begin_count();
    void count(std::uint32_t round);

private:
    static constexpr unsigned kRoundShift = 32;

    void wake() const;

    int signal_descriptor_ = -1;
    int event_descriptor_ = -1;
    std::optional<Instant> signalled_at_;    ///< the first signal to end
    int reload_descriptor_ = -1;             ///< -1: reloads are not reported
    std::atomic<std::uint64_t> counted_{0};  ///< and above kRoundShift the round that it is of
    mutable std::mutex mutex_;
    std::string failure_;
};

}  // namespace tulle::node
