#pragma once

namespace tulle::mesh {

/// An eventfd: any thread wakes, a single thread waits.
///
/// Thread: wake() from any thread; the other functions on the waiting thread.
/// Errors: the constructor throws std::system_error without a free descriptor.
class WakeFd {
public:
    WakeFd();
    ~WakeFd();
    WakeFd(const WakeFd&) = delete;
    WakeFd& operator=(const WakeFd&) = delete;

    /// Makes the descriptor readable until clear(). Never blocks. Several calls before a clear() count as one.
    void wake() const;
    /// Makes the descriptor unreadable until the next wake().
    void clear() const;
    [[nodiscard]] int fd() const { return fd_; }

private:
    int fd_;
};

}  // namespace tulle::mesh
