#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <fstream>
#include <mutex>
#include <string>

#include "mesh/base/time.hpp"
#include "tools/chaos/history.hpp"

namespace tulle::chaos {

/// Since the first call, in this process.
[[nodiscard]] Instant now();

/// Gathers the history of a run. Any thread. Limit: memory, about 130 bytes for an event.
class Recorder {
public:
    /// `path` may be empty: no file. Throws std::runtime_error for a file that cannot be written.
    explicit Recorder(const std::string& path);

    /// Gives the event its time, so that the order of calls is that of the history.
    void add(Event event);
    /// Writes what has come since the last time. One thread.
    void flush();
    /// All there is; nothing is added any more. Flushes.
    [[nodiscard]] History finish();
    [[nodiscard]] std::size_t count(EventKind kind) const;

private:
    mutable std::mutex mutex_;
    History history_;
    std::array<std::size_t, kEventKinds> counts_{};
    bool finished_ = false;
    std::size_t written_ = 0;
    std::ofstream file_;
    bool has_file_ = false;
};

/// Ends threads that wait. Any thread.
class StopFlag {
public:
    void set();
    [[nodiscard]] bool is_set() const;
    /// Until `deadline`; true as soon as the flag is set.
    [[nodiscard]] bool wait_until(Instant deadline);

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    bool set_ = false;
};

}  // namespace tulle::chaos
