#include "node/edge/wakeup.hpp"

#include <cerrno>
#include <cstdint>
#include <exception>
#include <system_error>
#include <utility>

#include <sys/eventfd.h>
#include <unistd.h>

namespace tulle::node {
namespace {

int new_eventfd() {
    const int descriptor = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (descriptor < 0) {
        throw std::system_error(errno, std::generic_category(), "eventfd");
    }
    return descriptor;
}

}  // namespace

Wakeup::Wakeup(Reactor& reactor, std::function<void()> on_wake)
    : reactor_(reactor),
      on_wake_(std::move(on_wake)),
      descriptor_(reactor.context().get_executor(), new_eventfd()),
      descriptor_number_(descriptor_.native_handle()) {}

void Wakeup::start() {
    wait();
}

void Wakeup::notify() noexcept {
    const std::uint64_t one = 1;
    // A full counter (EAGAIN) means: a wake-up is already due.
    [[maybe_unused]] const ssize_t written = ::write(descriptor_number_, &one, sizeof(one));
}

void Wakeup::wait() noexcept {
    descriptor_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                           [this](const boost::system::error_code& error) {
                               if (error) {
                                   return;
                               }
                               // Resets the counter before the work: a notify during the work wakes again.
                               std::uint64_t count = 0;
                               [[maybe_unused]] const ssize_t got = ::read(descriptor_number_, &count, sizeof(count));
                               try {
                                   on_wake_();
                               } catch (const std::exception& thrown) {
                                   reactor_.count_failure(thrown);
                               }
                               wait();
                           });
}

}  // namespace tulle::node
