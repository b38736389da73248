#pragma once

#include <sys/types.h>

#include <csignal>
#include <initializer_list>
#include <optional>

namespace tulle::cli {

/// Turns signals into something to read. The signals are blocked for the process from the construction on, and next()
/// takes the signals that have arrived. The signals stay blocked after the destruction. A child gets the earlier mask
/// back by restore_in_child().
///
/// Thread: one. Construct the object before any other thread starts, as threads inherit the mask.
/// Errors: the constructor throws std::system_error.
class Signals {
public:
    explicit Signals(std::initializer_list<int> signals);
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;
    ~Signals();

    /// A descriptor to poll for reading.
    [[nodiscard]] int fd() const { return fd_; }
    /// A signal that has arrived; nothing when none has. Never waits.
    [[nodiscard]] std::optional<int> next();
    /// Call in a child between fork() and exec().
    void restore_in_child() const;

private:
    /// The mask before the construction.
    sigset_t before_{};
    int fd_ = -1;
};

}  // namespace tulle::cli
