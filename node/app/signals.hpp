#pragma once

#include <atomic>
#include <cstddef>
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

    /// Blocks SIGTERM, SIGINT and SIGHUP in this thread and all that it will spawn, and ignores SIGPIPE; construct it before any
    /// other thread. Throws std::system_error.
    Signals();
    ~Signals();
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

    /// Waits for a signal, a failure, or `count` calls of count() since the last reset; for at most `patience` if given.
    Event wait(std::size_t count, std::optional<Duration> patience);

    /// From now on a wait ends by SIGHUP, and when `descriptor` is readable. Otherwise SIGHUP does nothing.
    void report_reloads(int descriptor);
    void ignore_reloads() { reload_descriptor_ = -1; }

    /// Something fatal has happened; `what` says what.
    void fail(std::string what);
    [[nodiscard]] std::string failure() const;
    void count();
    void reset_count() { counted_ = 0; }

private:
    void wake() const;

    int signal_descriptor_ = -1;
    int event_descriptor_ = -1;
    int reload_descriptor_ = -1;  ///< -1: reloads are not reported
    std::atomic<std::size_t> counted_{0};
    mutable std::mutex mutex_;
    std::string failure_;
};

}  // namespace tulle::node
