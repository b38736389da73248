#include "tools/chaos/recorder.hpp"

#include <chrono>
#include <stdexcept>
#include <utility>

namespace tulle::chaos {

Instant now() {
    // The first call sets the zero of the run's clock.
    static const auto start = std::chrono::steady_clock::now();
    return Instant(std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - start));
}

Recorder::Recorder(const std::string& path) : has_file_(!path.empty()) {
    if (has_file_) {
        file_.open(path, std::ios::trunc);
        if (!file_) {
            throw std::runtime_error("cannot write " + path);
        }
    }
}

void Recorder::add(Event event) {
    const std::lock_guard lock(mutex_);
    if (finished_) {
        return;
    }
    // The time is taken under the lock, so that times never decrease within the history.
    event.at = now();
    ++counts_[static_cast<std::size_t>(event.kind)];
    history_.push_back(std::move(event));
}

void Recorder::flush() {
    if (!has_file_) {
        return;
    }
    // Copies under the lock and writes without the lock: a slow disk holds up no client.
    History fresh;
    {
        const std::lock_guard lock(mutex_);
        fresh.assign(history_.begin() + static_cast<std::ptrdiff_t>(written_), history_.end());
        written_ = history_.size();
    }
    for (const Event& event : fresh) {
        file_ << to_line(event) << "\n";
    }
    file_.flush();
}

History Recorder::finish() {
    {
        const std::lock_guard lock(mutex_);
        finished_ = true;
    }
    flush();
    // Nobody adds events any more, so the history needs no lock.
    return std::move(history_);
}

std::size_t Recorder::count(EventKind kind) const {
    const std::lock_guard lock(mutex_);
    return counts_[static_cast<std::size_t>(kind)];
}

void StopFlag::set() {
    {
        const std::lock_guard lock(mutex_);
        set_ = true;
    }
    changed_.notify_all();
}

bool StopFlag::is_set() const {
    const std::lock_guard lock(mutex_);
    return set_;
}

bool StopFlag::wait_until(Instant deadline) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, deadline - now(), [this] { return set_; });
    return set_;
}

}  // namespace tulle::chaos
