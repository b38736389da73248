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

/// Lines that are written together: what a pipe holds.
constexpr std::size_t kChunkBytes = 64u << 10;

/// False: the descriptor takes nothing any more.
bool write_all(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(descriptor, text.data(), text.size());
        if (written >= 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno == EAGAIN) {  // someone else who has it made it so
            pollfd writable{.fd = descriptor, .events = POLLOUT, .revents = 0};
            ::poll(&writable, 1, -1);
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

}  // namespace

struct LogWriter::State {
    State(int to, std::function<std::string(std::uint64_t)> missing_line)
        : descriptor(to), missing(std::move(missing_line)) {}

    const int descriptor;
    const std::function<std::string(std::uint64_t)> missing;

    std::mutex mutex{};
    std::condition_variable pushed{};
    std::condition_variable written{};
    std::vector<std::string> lines{};
    std::size_t bytes = 0;             // of lines
    std::uint64_t dropped_behind = 0;  // after the last of lines
    bool is_stopping = false;
    std::atomic<std::uint64_t> dropped = 0;
    std::atomic<bool> is_busy = false;
    std::string chunk{};  // the writer's

    /// False: not all has been written.
    [[nodiscard]] bool write(const std::vector<std::string>& taken) noexcept;
    void tell_missing(std::uint64_t count) noexcept;
    void run();
};

bool LogWriter::State::write(const std::vector<std::string>& taken) noexcept {
    try {
        for (auto line = taken.begin(); line != taken.end();) {
            chunk.assign(*line++);
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

/// Behind what was pushed before them, and nothing has been since. Without memory for that line, the count alone tells.
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
        lock.unlock();
        const bool is_written = write(taken);
        lock.lock();
        if (!is_written) {
            dropped += taken.size();
        }
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
    // Signals are for others: a thread that does not block one that they wait for would be ended by it, and all with
    // it.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread thread([state = state_] { state->run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_setname_np(thread.native_handle(), "tulle-log");
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
        // An empty queue takes a line of any length, so what is dropped has lines before it.
        const bool fits = state_->lines.empty() || state_->bytes + line.size() <= kMaxWaitingBytes;
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
