#include "node/log/log_writer.hpp"

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <exception>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

namespace tulle::node {
namespace {

/// Bytes of lines that are written together: the capacity of a pipe.
constexpr std::size_t kChunkBytes = 64u << 10;

/// Writes all of `text`, however long the reader takes. False: the descriptor takes nothing any more.
bool write_all(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(descriptor, text.data(), text.size());
        if (written >= 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno == EAGAIN) {
            // Another holder of the descriptor has made the descriptor non-blocking.
            pollfd writable{.fd = descriptor, .events = POLLOUT, .revents = 0};
            ::poll(&writable, 1, -1);
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

}  // namespace

// The part that the thread keeps alive: the thread may outlive the writer.
struct LogWriter::State {
    State(int to, std::function<std::string(std::uint64_t)> missing_line)
        : descriptor(to), missing(std::move(missing_line)) {}

    // The descriptor, and the maker of the line about dropped lines.
    const int descriptor;
    const std::function<std::string(std::uint64_t)> missing;

    // Guards lines, bytes, dropped_behind and is_stopping.
    std::mutex mutex{};
    // Lines have come, or the writer is stopping.
    std::condition_variable pushed{};
    // Everything has been written.
    std::condition_variable written{};
    std::vector<std::string> lines{};
    // The bytes of `lines`.
    std::size_t bytes = 0;
    // Lines dropped after the last of `lines`.
    std::uint64_t dropped_behind = 0;
    bool is_stopping = false;
    // All lines dropped so far.
    std::atomic<std::uint64_t> dropped = 0;
    // A line waits or is being written. Atomic, so that a signal handler may read.
    std::atomic<bool> is_busy = false;
    // The bytes of a write. Only the thread uses the chunk.
    std::string chunk{};

    /// Writes the lines without the lock. False: not everything has been written.
    [[nodiscard]] bool write(const std::vector<std::string>& taken) noexcept;
    // Queues the line about `count` dropped lines. REQUIRES: the lock is held.
    void tell_missing(std::uint64_t count) noexcept;
    // The loop of the thread. Ends when the writer is stopping and nothing waits.
    void run();
};

bool LogWriter::State::write(const std::vector<std::string>& taken) noexcept {
    try {
        for (auto line = taken.begin(); line != taken.end();) {
            chunk.assign(*line++);
            // Small lines are joined, up to kChunkBytes, to save system calls.
            while (line != taken.end() && chunk.size() + line->size() <= kChunkBytes) {
                chunk += *line++;
            }
            if (!write_all(descriptor, chunk)) {
                return false;
            }
        }
        return true;
    } catch (const std::exception&) {
        return false;
    }
}

/// The line takes the place of the dropped lines: behind the lines before them, and no line has come since. Without
/// memory for the line, only the count grows.
void LogWriter::State::tell_missing(std::uint64_t count) noexcept {
    try {
        std::string line = missing(count);
        const std::size_t size = line.size();
        lines.push_back(std::move(line));
        bytes += size;
    } catch (const std::exception&) {
        ++dropped;
    }
}

void LogWriter::State::run() {
    std::unique_lock lock(mutex);
    while (true) {
        pushed.wait(lock, [this] { return is_stopping || !lines.empty(); });
        if (lines.empty()) {
            return;
        }
        const std::vector<std::string> taken = std::exchange(lines, {});
        bytes = 0;
        // Writing may take for ever, so push() must get the lock meanwhile.
        lock.unlock();
        const bool is_written = write(taken);
        lock.lock();
        // Lines that cannot be written are dropped, so that the log goes on when the descriptor works again. All taken
        // lines count, although some of the lines may have been written.
        if (!is_written) {
            dropped += taken.size();
        }
        // Lines have been dropped while this thread was writing, so there is room again.
        if (const std::uint64_t count = std::exchange(dropped_behind, 0); count > 0 && is_written) {
            tell_missing(count);
        }
        if (lines.empty()) {
            is_busy = false;
            written.notify_all();
        }
    }
}

LogWriter::LogWriter(int descriptor, std::function<std::string(std::uint64_t)> missing)
    : state_(std::make_shared<State>(descriptor, std::move(missing))) {
    // The thread blocks all signals: other threads wait for signals, and a signal that a thread does not block would
    // end the process.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread thread([state = state_] { state->run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_setname_np(thread.native_handle(), "tulle-log");
    // Detached: a thread that waits in a write cannot be joined.
    thread.detach();
}

LogWriter::~LogWriter() {
    flush(kLastWords);
    {
        const std::lock_guard lock(state_->mutex);
        state_->is_stopping = true;
    }
    state_->pushed.notify_one();
}

void LogWriter::push(std::string line) {
    {
        const std::lock_guard lock(state_->mutex);
        // An empty queue takes a line of any length, so a dropped line always has lines in front.
        const bool fits = state_->lines.empty() || state_->bytes + line.size() <= kMaxWaitingBytes;
        // After a dropped line all further lines are dropped until the writer has told about the gap, so the gap is at
        // a single place.
        if (state_->dropped_behind > 0 || !fits) {
            ++state_->dropped_behind;
            ++state_->dropped;
            return;
        }
        state_->bytes += line.size();
        state_->lines.push_back(std::move(line));
        state_->is_busy = true;
    }
    state_->pushed.notify_one();
}

bool LogWriter::flush(std::chrono::milliseconds patience) {
    std::unique_lock lock(state_->mutex);
    return state_->written.wait_for(lock, patience, [this] { return !state_->is_busy; });
}

std::uint64_t LogWriter::dropped() const {
    return state_->dropped;
}

bool LogWriter::is_busy() const {
    return state_->is_busy;
}

}  // namespace tulle::node
