#include "mesh/io/ready_set.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>

namespace tulle::mesh {
namespace {

/// Throws the error of the last system call.
[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

ReadySet::ReadySet() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_ < 0) {
        fail("epoll_create1");
    }
}

ReadySet::~ReadySet() {
    close(epoll_);
}

void ReadySet::add(int fd, std::uint64_t token) {
    add(fd, EPOLLIN, token);
}

void ReadySet::add_writable(int fd, std::uint64_t token) {
    add(fd, EPOLLOUT, token);
}

void ReadySet::add(int fd, std::uint32_t events, std::uint64_t token) {
    epoll_event event{.events = events, .data = {.u64 = token}};
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) {
        fail("epoll_ctl");
    }
}

void ReadySet::remove(int fd) {
    // An error means: the descriptor is not in the set, as wanted.
    epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
}

const std::vector<std::uint64_t>& ReadySet::wait(Duration timeout) {
    // Rounded up: a wait ending early would find the deadline not reached, and spin.
    const auto patience =
        std::chrono::ceil<std::chrono::milliseconds>(std::clamp<Duration>(timeout, 0ms, kLongestWait));
    std::array<epoll_event, kMost> events;
    const int count = epoll_wait(epoll_, events.data(), kMost, static_cast<int>(patience.count()));
    if (count < 0 && errno != EINTR) {
        fail("epoll_wait");
    }
    ready_.clear();
    for (int i = 0; i < count; ++i) {
        // Copied first, because epoll_event is packed and a reference into the struct would be misaligned.
        const std::uint64_t token = events[static_cast<std::size_t>(i)].data.u64;
        ready_.push_back(token);
    }
    return ready_;
}

}  // namespace tulle::mesh
