#pragma once

#include <functional>

#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include "node/edge/reactor.hpp"

namespace tulle::node {

/// Lets any thread wake a reactor: an eventfd that the reactor waits on. For a mailbox's wake-up.
class Wakeup {
public:
    /// `on_wake` runs on the reactor's thread, at least once after the last notify; what it throws is counted. Throws
    /// std::system_error without descriptors.
    Wakeup(Reactor& reactor, std::function<void()> on_wake);

    /// Before the reactor runs, or on its thread.
    void start();
    /// Any thread, as long as this lives. Cheap; never throws.
    void notify() noexcept;

private:
    /// An exception here would leave the reactor deaf, so that it ends the process.
    void wait() noexcept;

    Reactor& reactor_;
    const std::function<void()> on_wake_;
    boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type> descriptor_;
    const int descriptor_number_;
};

}  // namespace tulle::node
