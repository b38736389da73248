#pragma once

#include <cstdint>
#include <vector>

#include "mesh/base/time.hpp"

namespace tulle::mesh {

/// File descriptors that are waited for, each under a token of the caller's. What a wait costs grows with those that are
/// ready, not with all.
///
/// Thread: confined to its owner. Throws std::system_error when the system has no descriptor or no memory left.
class ReadySet {
public:
    ReadySet();
    ~ReadySet();
    ReadySet(const ReadySet&) = delete;
    ReadySet& operator=(const ReadySet&) = delete;

    void add(int fd, std::uint64_t token);
    void remove(int fd);
    /// Until one of them is readable, one of `writable` is writable, a signal has come, or `timeout` has passed (to whole
    /// milliseconds, upwards; not longer than kLongestWait). The tokens of those that are readable, valid until the next call:
    /// at most kMost, the others are found by that.
    [[nodiscard]] const std::vector<std::uint64_t>& wait(Duration timeout, const std::vector<int>& writable);
    static constexpr int kMost = 64;
    static constexpr Duration kLongestWait = 1h;  ///< fits into the milliseconds that the system counts in

private:
    int epoll_;
    std::vector<std::uint64_t> ready_;
};

}  // namespace tulle::mesh
