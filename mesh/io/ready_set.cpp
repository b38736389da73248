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
    epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
}

const std::vector<std::uint64_t>& ReadySet::wait(Duration timeout) {
    const auto patience =
        std::chrono::ceil<std::chrono::milliseconds>(std::clamp<Duration>(timeout, 0ms, kLongestWait));
    std::array<epoll_event, kMost> events;
    const int count = epoll_wait(epoll_, events.data(), kMost, static_cast<int>(patience.count()));
    if (count < 0 && errno != EINTR) {
        fail("epoll_wait");
    }
    ready_.clear();
    for (int i = 0; i < count; ++i) {
        const std::uint64_t token = events[static_cast<std::size_t>(i)].data.u64;  // by value: epoll_event is packed
        ready_.push_back(token);
    }
    return ready_;
}

}  // namespace tulle::mesh
