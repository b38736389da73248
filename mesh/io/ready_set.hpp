#pragma once

#include <cstdint>
#include <vector>

#include "mesh/base/time.hpp"

namespace tulle::mesh {

/// File descriptors to wait for, each under a token of the caller's choice (epoll). The cost of a wait grows with the
/// ready descriptors, and not with all descriptors. Closing a descriptor removes the descriptor from the set.
///
/// Thread: confined to its owner.
/// Errors: throws std::system_error when the system has no descriptor or no memory left.
class ReadySet {
public:
    ReadySet();
    ~ReadySet();
    ReadySet(const ReadySet&) = delete;
    ReadySet& operator=(const ReadySet&) = delete;

    /// Waits for the descriptor to become readable.
    void add(int fd, std::uint64_t token);
    /// Waits for the descriptor to become writable.
    void add_writable(int fd, std::uint64_t token);
    /// No longer waits for the descriptor. No effect on an unknown descriptor.
    void remove(int fd);
    /// The descriptor of the set itself: readable, for another epoll, while a descriptor of the set is ready.
    [[nodiscard]] int descriptor() const { return epoll_; }
    /// Waits until a descriptor is ready, a signal has come, or `timeout` has passed. The timeout is rounded up to
    /// whole milliseconds and cut to kLongestWait. Returns the tokens of at most kMost ready descriptors, valid until
    /// the next call. The next call returns the remaining tokens.
    [[nodiscard]] const std::vector<std::uint64_t>& wait(Duration timeout);
    /// Tokens of one wait. The bound keeps the events on the stack.
    static constexpr int kMost = 64;
    /// Fits into the system's 32-bit count of milliseconds.
    static constexpr Duration kLongestWait = 1h;

private:
    /// Adds a descriptor for the given events of epoll.
    void add(int fd, std::uint32_t events, std::uint64_t token);

    int epoll_;
    std::vector<std::uint64_t> ready_;
};

}  // namespace tulle::mesh
