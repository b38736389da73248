#pragma once

#include <unistd.h>

#include <utility>

namespace tulle::chaos {

/// Owns a file descriptor and closes the descriptor when destroyed. A value of -1 owns nothing. Movable, not copyable.
class Descriptor {
public:
    explicit Descriptor(int fd = -1) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    /// Swaps: `other` closes the former descriptor at the end of its own life.
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }
    /// Valid as long as the Descriptor lives; -1 for none.
    [[nodiscard]] int get() const { return fd_; }

private:
    int fd_;
};

}  // namespace tulle::chaos
