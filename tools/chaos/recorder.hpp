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

/// The monotonic time since the first call in this process. Any thread.
[[nodiscard]] Instant now();

/// Gathers the history of a run, and writes the history to a file if asked.
///
/// Thread: add() and count() from any thread; flush() and finish() from a single thread.
/// Limits: memory only, about 130 bytes for an event.
class Recorder {
public:
    /// An empty `path` means: no file. Throws std::runtime_error for a file that cannot be written.
    explicit Recorder(const std::string& path);

    /// Gives the event the time of the call: the history is in the order of calls. An event after finish() is dropped.
    void add(Event event);
    /// Writes the events since the last flush to the file.
    void flush();
    /// Ends the recording, flushes and returns all events. To be called once.
    [[nodiscard]] History finish();
    /// How many events of a kind have been added.
    [[nodiscard]] std::size_t count(EventKind kind) const;

private:
    mutable std::mutex mutex_;
    History history_;
    std::array<std::size_t, kEventKinds> counts_{};
    bool finished_ = false;
    /// How many events the file has.
    std::size_t written_ = 0;
    std::ofstream file_;
    bool has_file_ = false;
};

/// Ends threads that wait. Once set, a flag stays set. Any thread.
class StopFlag {
public:
    /// Wakes all waiting threads.
    void set();
    [[nodiscard]] bool is_set() const;
    /// Blocks until `deadline` (on the clock of now()), or until the flag is set. Returns true when the flag is set.
    [[nodiscard]] bool wait_until(Instant deadline);

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    bool set_ = false;
};

}  // namespace tulle::chaos
