#pragma once

#include <sys/types.h>

#include <csignal>
#include <initializer_list>
#include <optional>

namespace tulle::cli {

/// Signals as something to read: blocked for the process from construction on (make it before any thread), taken with
/// next(). They stay blocked afterwards; children get the mask back with restore_in_child().
class Signals {
public:
    explicit Signals(std::initializer_list<int> signals);
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;
    ~Signals();

    /// To poll for reading.
    [[nodiscard]] int fd() const { return fd_; }
    /// One that has arrived; nothing when none has.
    [[nodiscard]] std::optional<int> next();
    /// Between fork and exec.
    void restore_in_child() const;

private:
    sigset_t before_{};
    int fd_ = -1;
};

}  // namespace tulle::cli
