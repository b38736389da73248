#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace tulle::node {

/// Writes lines to a descriptor on a thread of its own, so that nobody who logs waits for whoever reads: a pipe that
/// nobody reads holds 64 KiB, and a write to it then waits for ever.
///
/// Thread: push and dropped from any, flush from any but the writer's.
/// Limits: kMaxWaitingBytes of lines wait, beside at most as much that the thread has taken to write; a further one is
///         dropped and counted. When lines can be written again, one says how many are missing at that place.
/// Ending: the destructor waits for what is still to be written, at most kLastWords, then leaves the thread behind: a
///         write that waits can't be ended. The process's end takes the thread along.
/// Errors: what can't be written (nobody holds the other end of the pipe, the disk is full, there is no memory to put
///         lines together) is dropped and counted.
class LogWriter {
public:
    static constexpr std::size_t kMaxWaitingBytes = 4u << 20;  ///< some 20,000 lines: seconds of debug output
    static constexpr std::chrono::milliseconds kLastWords{500};

    /// `missing` makes the line that tells that so many lines were dropped. Called by the writer's thread.
    LogWriter(int descriptor, std::function<std::string(std::uint64_t)> missing);
    ~LogWriter();
    LogWriter(const LogWriter&) = delete;
    LogWriter& operator=(const LogWriter&) = delete;

    /// `line` ends with a newline.
    void push(std::string line);
    /// Until all that was pushed before is written, at most so long. False: there is more.
    bool flush(std::chrono::milliseconds patience);
    [[nodiscard]] std::uint64_t dropped() const;
    /// Something waits, or is being written. For signal handlers too.
    [[nodiscard]] bool is_busy() const;

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace tulle::node
