#pragma once

#include <cstdint>
#include <vector>

#include "mesh/base/time.hpp"

namespace tulle::mesh {

/// File descriptors that are waited for, each under a token of the caller's. What a wait costs grows with those that
/// are ready, not with all. A descriptor that is closed leaves it.
///
/// Thread: confined to its owner. Throws std::system_error when the system has no descriptor or no memory left.
class ReadySet {
public:
    ReadySet();
    ~ReadySet();
    ReadySet(const ReadySet&) = delete;
    ReadySet& operator=(const ReadySet&) = delete;

    /// Waited for until it is readable.
    void add(int fd, std::uint64_t token);
    /// Waited for until it is writable.
    void add_writable(int fd, std::uint64_t token);
    void remove(int fd);
    /// Readable itself, for another epoll, while one of them is ready.
    [[nodiscard]] int descriptor() const { return epoll_; }
    /// Until one of them is ready, a signal has come, or `timeout` has passed (to whole milliseconds, upwards; not
    /// longer than kLongestWait). The tokens of those that are ready, valid until the next call: at most kMost, the
    /// others are found by that.
    [[nodiscard]] const std::vector<std::uint64_t>& wait(Duration timeout);
    static constexpr int kMost = 64;
    static constexpr Duration kLongestWait = 1h;  ///< fits into the milliseconds that the system counts in

private:
    void add(int fd, std::uint32_t events, std::uint64_t token);

    int epoll_;
    std::vector<std::uint64_t> ready_;
};

}  // namespace tulle::mesh
