#include "node/app/signals.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <system_error>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "node/edge/clock.hpp"

namespace tulle::node {
namespace {

/// Returns `descriptor`; throws std::system_error for a negative descriptor.
int checked(int descriptor, const char* what) {
    if (descriptor < 0) {
        throw std::system_error(errno, std::generic_category(), what);
    }
    return descriptor;
}

}  // namespace

Signals::Signals() {
    // A peer that has closed its connection would otherwise end the process at the next write.
    std::signal(SIGPIPE, SIG_IGN);
    sigset_t awaited;
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGTERM);
    sigaddset(&awaited, SIGINT);
    sigaddset(&awaited, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &awaited, nullptr);
    signal_descriptor_ = checked(::signalfd(-1, &awaited, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd");
    event_descriptor_ = checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
}

Signals::~Signals() {
    ::close(signal_descriptor_);
    ::close(event_descriptor_);
}

std::optional<Signals::Event> Signals::take_signal() {
    signalfd_siginfo signal{};
    while (::read(signal_descriptor_, &signal, sizeof(signal)) == static_cast<ssize_t>(sizeof(signal))) {
        if (signal.ssi_signo == SIGHUP) {
            if (reload_descriptor_ >= 0) {
                return Event::kReload;
            }
            continue;
        }
        const Instant now = monotonic_now();
        // A signal too soon after the one before is an echo.
        if (signalled_at_ && now - *signalled_at_ < kEcho) {
            continue;
        }
        signalled_at_ = now;
        return signal.ssi_signo == SIGINT ? Event::kInterrupt : Event::kTerminate;
    }
    return std::nullopt;
}

std::optional<Signals::Event> Signals::take_report() {
    if (!failure().empty()) {
        return Event::kFailed;
    }
    // While the main thread counts, the node leaves already: orders to drain change nothing more.
    switch (drain_order_.exchange(DrainOrder::kNone)) {
        case DrainOrder::kDrain:
            return Event::kDrain;
        case DrainOrder::kUndrain:
            return Event::kUndrain;
        case DrainOrder::kNone:
            break;
    }
    return reload_descriptor_ >= 0 && is_reload_asked_.exchange(false) ? std::optional(Event::kReload) : std::nullopt;
}

Signals::Event Signals::wait(std::size_t count, std::optional<Duration> patience) {
    const Instant deadline = patience ? monotonic_now() + *patience : Instant::max();
    // Everything is checked before the wait, so that an event from before the call is found. A wake-up leads back here.
    for (;;) {
        if (const std::optional<Event> event = take_signal()) {
            return *event;
        }
        if (const std::optional<Event> event = take_report()) {
            return *event;
        }
        // The cast cuts off the round; begin_count() has set the round of this wait.
        if (count > 0 && static_cast<std::uint32_t>(counted_.load()) >= count) {
            return Event::kCounted;
        }
        int timeout_ms = -1;
        if (patience) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - monotonic_now()).count();
            if (left <= 0) {
                return Event::kTimeout;
            }
            // poll() takes an int; a minute at a time is enough, as the loop computes the rest again.
            timeout_ms = static_cast<int>(std::min<std::int64_t>(left, 60'000));
        }
        pollfd descriptors[] = {
            {signal_descriptor_, POLLIN, 0}, {event_descriptor_, POLLIN, 0}, {reload_descriptor_, POLLIN, 0}};
        ::poll(descriptors, 3, timeout_ms);
        // poll() ignores a descriptor of -1.
        if ((descriptors[2].revents & POLLIN) != 0) {
            return Event::kReadable;
        }
        // Reading sets the eventfd back to 0.
        std::uint64_t woken = 0;
        [[maybe_unused]] const ssize_t got = ::read(event_descriptor_, &woken, sizeof(woken));
    }
}

void Signals::report_reloads(int descriptor) {
    reload_descriptor_ = descriptor;
}

void Signals::ask_reload() {
    is_reload_asked_.store(true);
    wake();
}

void Signals::fail(std::string what) {
    {
        const std::lock_guard lock(mutex_);
        if (failure_.empty()) {
            failure_ = std::move(what);
        }
    }
    wake();
}

std::string Signals::failure() const {
    const std::lock_guard lock(mutex_);
    return failure_;
}

std::uint32_t Signals::begin_count() {
    const std::uint32_t round = static_cast<std::uint32_t>(counted_.load() >> kRoundShift) + 1;
    counted_.store(std::uint64_t{round} << kRoundShift);
    return round;
}

void Signals::count(std::uint32_t round) {
    std::uint64_t counted = counted_.load();
    do {
        if (counted >> kRoundShift != round) {
            // The call is too late: the main thread waits for a later round already.
            return;
        }
    } while (!counted_.compare_exchange_weak(counted, counted + 1));
    wake();
}

void Signals::wake() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(event_descriptor_, &one, sizeof(one));
}

}  // namespace tulle::node
