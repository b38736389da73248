#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace tulle::node {

/// Writes lines to a descriptor on a thread of its own, so that no logging thread waits for the reader: a pipe without
/// a reading process holds 64 KiB, and a write to a full pipe waits for ever.
///
/// Thread: push, dropped and is_busy from any, flush from any but the writer's own.
/// Limits: kMaxWaitingBytes of lines wait, beside at most as many bytes that the thread has taken to write; a further
///         line is dropped and counted. When lines can be written again, a line at that place tells the number of
///         missing lines.
/// Ending: the destructor waits for unwritten lines, at most kLastWords, then leaves the thread behind, because a write
///         that waits cannot be ended. The end of the process takes the thread along.
/// Errors: lines that cannot be written (no process holds the other end of the pipe, the disk is full, there is no
///         memory for joining lines) are dropped and counted.
class LogWriter {
public:
    /// Some 20,000 lines: seconds of debug output.
    static constexpr std::size_t kMaxWaitingBytes = 4u << 20;
    /// Long enough for a reader that works at all; short enough for a process that must end.
    static constexpr std::chrono::milliseconds kLastWords{500};

    /// `descriptor` stays the caller's and must stay open. `missing` makes the line about a number of dropped lines;
    /// the writer's thread calls `missing`.
    LogWriter(int descriptor, std::function<std::string(std::uint64_t)> missing);
    /// Waits for unwritten lines, at most kLastWords.
    ~LogWriter();
    LogWriter(const LogWriter&) = delete;
    LogWriter& operator=(const LogWriter&) = delete;

    /// Queues a line, which ends with a newline. Returns at once, also when the line is dropped.
    void push(std::string line);
    /// Waits until every line pushed before is written, at most `patience`. False: some lines are not written yet.
    bool flush(std::chrono::milliseconds patience);
    /// The number of dropped lines since the beginning.
    [[nodiscard]] std::uint64_t dropped() const;
    /// True while a line waits or is being written. May be called in a signal handler.
    [[nodiscard]] bool is_busy() const;

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace tulle::node
