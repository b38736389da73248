#pragma once

#include <functional>

#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include "node/edge/reactor.hpp"

namespace tulle::node {

/// Lets any thread wake a reactor: an eventfd that the reactor waits on. For the wake-up of a mailbox.
///
/// Thread: notify from any thread; everything else on the reactor's.
class Wakeup {
public:
    /// `on_wake` runs on the reactor's thread, at least once after the last notify. An exception out of `on_wake` is
    /// counted. The constructor throws std::system_error without a free descriptor.
    Wakeup(Reactor& reactor, std::function<void()> on_wake);

    /// Begins to wait. Call before the reactor runs, or on the reactor's thread.
    void start();
    /// Wakes the reactor. Any thread may call as long as the object lives. A system call; never throws.
    void notify() noexcept;

private:
    /// Waits for the next notify. An exception in wait itself would leave the reactor deaf, and therefore ends the
    /// process.
    void wait() noexcept;

    Reactor& reactor_;
    const std::function<void()> on_wake_;
    boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type> descriptor_;
    /// The descriptor, for notify: the Asio object is not for other threads.
    const int descriptor_number_;
};

}  // namespace tulle::node
