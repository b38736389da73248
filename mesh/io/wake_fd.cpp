#include "mesh/io/wake_fd.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace tulle::mesh {

WakeFd::WakeFd() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (fd_ < 0) {
        throw std::system_error(errno, std::generic_category(), "eventfd");
    }
}

WakeFd::~WakeFd() {
    close(fd_);
}

void WakeFd::wake() const {
    // A write fails only when the counter is full, and the descriptor is readable then anyway.
    static_cast<void>(eventfd_write(fd_, 1));
}

void WakeFd::clear() const {
    eventfd_t value = 0;
    static_cast<void>(eventfd_read(fd_, &value));
}

}  // namespace tulle::mesh
